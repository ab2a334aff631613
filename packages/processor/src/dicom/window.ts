import { ProcessorError } from "../errors.js";
import { type FileWindow, isWindow, type VoiFunction } from "./frame-attributes.js";

/** Windows of CT in Hounsfield units, as radiologists use them. */
export const CT_WINDOWS = Object.freeze({
  lung: { center: -600, width: 1500 },
  bone: { center: 300, width: 1500 },
  soft: { center: 40, width: 400 },
  brain: { center: 40, width: 80 },
  mediastinum: { center: 50, width: 350 },
});

export type PresetName = keyof typeof CT_WINDOWS;

/**
 * How grey values become brightness: the file's first window (else its first VOI LUT, else "min-max"), all values of all
 * frames, a CT preset, a window in the file's units, or the file's window or VOI LUT of that number, from 0.
 */
export type WindowChoice =
  | "file"
  | "min-max"
  | PresetName
  | { readonly center: number; readonly width: number; readonly function?: VoiFunction }
  | { readonly file: number }
  | { readonly lut: number };

/** What was applied. */
export type WindowUsed =
  | {
      readonly from: "given" | PresetName | { readonly file: number };
      readonly center: number;
      readonly width: number;
      readonly function: VoiFunction;
    }
  | { readonly from: "min-max"; readonly min: number; readonly max: number }
  | { readonly from: { readonly lut: number } };

/** What there is to choose from. */
export interface Windows {
  readonly windows: readonly FileWindow[];
  readonly luts: number;
  readonly modality: string | undefined;
}

/**
 * The window that a choice names; "min-max" where the values decide.
 * @throws ProcessorError `dicom-window`.
 */
export function chooseWindow(choice: WindowChoice, there: Windows): Exclude<WindowUsed, { min: number }> | "min-max" {
  if (choice === "min-max") return choice;
  if (choice === "file") return fileDefault(there);
  if (typeof choice === "string") return preset(choice, there.modality);
  if (typeof choice !== "object" || choice === null)
    throw unfit("a window is a name, { center, width }, { file } or { lut }");
  if ("file" in choice) return fileWindow(choice.file, there.windows);
  if ("lut" in choice) {
    if (!Number.isSafeInteger(choice.lut) || choice.lut < 0 || choice.lut >= there.luts)
      throw unfit(`the file has ${there.luts} VOI LUTs; there is none of number ${choice.lut}`);
    return { from: { lut: choice.lut } };
  }
  const { center, width, function: voi = "LINEAR" } = choice;
  if (!["LINEAR", "LINEAR_EXACT", "SIGMOID"].includes(voi))
    throw unfit("a window's function is LINEAR, LINEAR_EXACT or SIGMOID");
  if (!isWindow(center, width, voi))
    throw unfit("a window needs a finite center, and a width of at least 1 (LINEAR) or above 0");
  return { from: "given", center, width, function: voi };
}

function fileDefault({ windows: [first], luts }: Windows) {
  if (first?.valid) return fileUsed(0, first);
  return first === undefined && luts > 0 ? { from: { lut: 0 } } : "min-max";
}

function preset(name: PresetName, modality: string | undefined) {
  const window = Object.hasOwn(CT_WINDOWS, name) ? CT_WINDOWS[name] : undefined;
  if (window === undefined)
    throw unfit(`no such window; there are file, min-max, ${Object.keys(CT_WINDOWS).join(", ")}, { center, width }`);
  if (modality !== "CT")
    throw unfit(`the window ${name} is in Hounsfield units, and this is no CT; give { center, width }`);
  return { from: name, ...window, function: "LINEAR" } as const;
}

function fileWindow(index: number, windows: readonly FileWindow[]) {
  const window = windows[index];
  if (window === undefined) throw unfit(`the file has ${windows.length} windows; there is none of number ${index}`);
  if (!window.valid) throw unfit(`the file's window of number ${index} cannot be applied`);
  return fileUsed(index, window);
}

const fileUsed = (index: number, { center, width, function: voi }: FileWindow) =>
  ({ from: { file: index }, center, width, function: voi }) as const;

const unfit = (what: string) => new ProcessorError("dicom-window", what);
