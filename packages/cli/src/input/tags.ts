import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileBytes, fileHead, isDicom, type PromptTag, readDicom, readSeries } from "@hulu/processor";
import { UsageError } from "../errors.js";
import { nearest, type Option } from "../options.js";

/** What a DICOM file may say in a prompt, where a person asks for it. Nothing else of it ever gets there. */
const TAGS = [
  "Modality",
  "BodyPartExamined",
  "ViewPosition",
  "Laterality",
  "ImageLaterality",
  "PatientSex",
  "PatientAge",
] as const satisfies readonly PromptTag[];

export const promptTagsOption: Option = {
  type: "string",
  value: "TAGS",
  help: `tell the model of a DICOM file (none unless given): ${TAGS.join(",")}`,
};

/** @throws UsageError for a tag that may not be told */
export function promptTagsOf(given: string | undefined): readonly PromptTag[] {
  return (given?.split(",") ?? []).map((name) => {
    const found = TAGS.find((tag) => tag === name.trim());
    if (found !== undefined) return found;
    const near = nearest(name.trim(), TAGS);
    throw new UsageError(
      `--prompt-tags has "${name}"; it must be of ${TAGS.join(", ")}${near === undefined ? "" : `; did you mean ${near}?`}`,
    );
  });
}

/**
 * What a DICOM file or a folder's series says under these tags, in words; undefined where it says nothing.
 * @param series which of a folder
 */
export async function toldOf(file: string, tags: readonly PromptTag[], series = 0): Promise<string | undefined> {
  const first = await firstFile(file, series);
  if (tags.length === 0 || first === undefined) return undefined;
  const values = [...(await readDicom(await fileBytes(first))).promptTags(tags)];
  return values.length === 0 ? undefined : values.map(([tag, value]) => `${tag}: ${value}`).join("; ");
}

async function firstFile(path: string, series: number): Promise<string | undefined> {
  const dicom = async (file: string) => isDicom(await fileHead(file, 1024));
  if (!(await stat(path)).isDirectory()) return (await dicom(path)) ? path : undefined;
  const entries = await readdir(path, { withFileTypes: true, recursive: true });
  const files: string[] = [];
  for (const entry of entries) {
    const file = join(entry.parentPath ?? entry.path, entry.name);
    if (entry.isFile() && !entry.name.startsWith(".") && (await dicom(file))) files.push(file);
  }
  if (files.length === 0) return undefined;
  const found = await readSeries(files.map((file) => ({ bytes: () => fileBytes(file) })));
  const first = found[series]?.files[0];
  return first === undefined ? undefined : files[first];
}
