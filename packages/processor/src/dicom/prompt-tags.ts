import { ProcessorError } from "../errors.js";
import { text } from "./attributes.js";
import type { DataSet } from "./elements.js";
import { TAG } from "./tags.js";

/** Tags that may enter a prompt where a caller names them. Names, dates, ids and UIDs are none of them. */
const ALLOWED = {
  Modality: TAG.modality,
  BodyPartExamined: TAG.bodyPart,
  ViewPosition: TAG.viewPosition,
  Laterality: TAG.laterality,
  ImageLaterality: TAG.imageLaterality,
  PatientSex: TAG.patientSex,
  PatientAge: TAG.patientAge,
} as const satisfies Record<PromptTag, number>;

export type PromptTag =
  | "Modality"
  | "BodyPartExamined"
  | "ViewPosition"
  | "Laterality"
  | "ImageLaterality"
  | "PatientSex"
  | "PatientAge";

/** Bytes of a code string, the longest of them. */
const MAX_VALUE = 16;

/**
 * The values of the tags that are named, as far as the file has them, cleaned: capitals, digits, space, _ and -, at most
 * 16 of them, which no instruction to a model fits into.
 * @throws ProcessorError `dicom-prompt-tag` for any other tag.
 */
export function promptTags(set: DataSet, allowed: readonly PromptTag[]): ReadonlyMap<PromptTag, string> {
  const values = new Map<PromptTag, string>();
  for (const name of allowed) {
    if (!Object.hasOwn(ALLOWED, name))
      throw new ProcessorError(
        "dicom-prompt-tag",
        `only these tags may enter a prompt: ${Object.keys(ALLOWED).join(", ")}`,
      );
    const value = (text(set, ALLOWED[name]) ?? "")
      .toUpperCase()
      .replace(/[^A-Z0-9 _-]/g, "")
      .slice(0, MAX_VALUE)
      .trim();
    if (value !== "") values.set(name, value);
  }
  return values;
}
