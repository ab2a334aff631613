import type { InputWarning } from "../input/warning.js";
import type { DicomHeader } from "./header.js";

/** Volumes of these show the surface of the body. */
const VOLUMES = ["CT", "MR", "PT"];
/** Parts of BodyPartExamined (PS3.16 annex L) with which the face is in the picture. */
const HEAD = [
  "HEAD",
  "BRAIN",
  "SKULL",
  "CRANI",
  "FACE",
  "FACIAL",
  "ORBIT",
  "SINUS",
  "JAW",
  "MAXIL",
  "MANDIB",
  "WHOLEBODY",
];

/** What is odd about a file, told by its header. */
export function headerWarnings(header: DicomHeader): InputWarning[] {
  const { burnedIn, bodyPart = "", modality = "", windows, perFrame } = header;
  const warnings: InputWarning[] = [];
  if (burnedIn === true)
    warnings.push({
      code: "burned-in-annotation",
      message: "the file says that text is burned into its pixels; it may name the patient",
    });
  if (VOLUMES.includes(modality) && HEAD.some((part) => bodyPart.includes(part)))
    warnings.push({ code: "head-volume", message: "a head: of its slices together a face can be made" });
  const odd = [{ windows }, ...perFrame].some((frame) => frame.windows.some(({ valid }) => !valid));
  if (odd)
    warnings.push({
      code: "window-invalid",
      message:
        "a window of the file cannot be applied (its width or function); by default min-max stands in for the first",
    });
  return warnings;
}
