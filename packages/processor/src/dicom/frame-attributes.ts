import { ProcessorError } from "../errors.js";
import { integer, number, numbers, text, valueBytes, vector } from "./attributes.js";
import { type DataSet, someItems } from "./elements.js";
import { TAG } from "./tags.js";

export type VoiFunction = "LINEAR" | "LINEAR_EXACT" | "SIGMOID";

/** A window as the file gives it. */
export interface FileWindow {
  readonly center: number;
  readonly width: number;
  readonly function: VoiFunction;
  /** Whether it can be applied: numbers, a known function, and LINEAR a width of at least 1, the others above 0. */
  readonly valid: boolean;
}

/** value = stored * slope + intercept */
export interface Rescale {
  readonly slope: number;
  readonly intercept: number;
}

/** What may differ from frame to frame. Positions are mm in the patient's LPS coordinates. */
export interface FrameAttributes {
  /** Centre of the first pixel. */
  readonly position?: readonly [number, number, number];
  /** Unit vectors along a row and along a column. */
  readonly orientation?: readonly [number, number, number, number, number, number];
  /** Between rows, between columns, mm. */
  readonly spacing?: readonly [number, number];
  /** mm */
  readonly thickness?: number;
  /** Which point in time of a 4D series, from 1. */
  readonly temporalPosition?: number;
  /** ms */
  readonly echoTime?: number;
  /** Of a diffusion weighted picture, s/mm^2. */
  readonly bValue?: number;
  /** Slope 1 and intercept 0 where the file gives none. */
  readonly rescale: Rescale;
  readonly windows: readonly FileWindow[];
}

/** The attributes of a data set without functional groups. */
export function readAttributes(set: DataSet): FrameAttributes {
  const temporal = integer(set, TAG.temporalPosition, "IS");
  const echoTime = number(set, TAG.echoTime, "DS");
  const bValue = number(set, TAG.bValue, "FD");
  return {
    ...geometry(set),
    ...(temporal !== undefined && { temporalPosition: temporal }),
    ...(echoTime !== undefined && { echoTime }),
    ...(bValue !== undefined && { bValue }),
    rescale: readRescale(set),
    windows: readWindows(set),
  };
}

/** The attributes of a group (shared or of one frame) over what holds without it. Source: DICOM PS3.3 C.7.6.16. */
export function withGroups(base: FrameAttributes, group: DataSet): FrameAttributes {
  const parts: Partial<FrameAttributes>[] = [base];
  for (const tag of [TAG.pixelMeasuresSequence, TAG.planePositionSequence, TAG.planeOrientationSequence])
    for (const item of first(group, tag)) parts.push(geometry(item));
  for (const item of first(group, TAG.pixelValueSequence)) parts.push({ rescale: readRescale(item) });
  for (const item of first(group, TAG.frameVoiLutSequence)) parts.push({ windows: readWindows(item) });
  for (const item of first(group, TAG.frameContentSequence)) {
    const temporalPosition = integer(item, TAG.temporalPositionIndex, "UL");
    if (temporalPosition !== undefined) parts.push({ temporalPosition });
  }
  for (const item of first(group, TAG.echoSequence)) {
    const echoTime = number(item, TAG.effectiveEchoTime, "FD");
    if (echoTime !== undefined) parts.push({ echoTime });
  }
  for (const item of first(group, TAG.diffusionSequence)) {
    const bValue = number(item, TAG.bValue, "FD");
    if (bValue !== undefined) parts.push({ bValue });
  }
  return Object.assign({}, ...parts) as FrameAttributes;
}

/** The first item of a sequence, as a list of one or none. */
export const first = (set: DataSet, tag: number): readonly DataSet[] => someItems(set, tag, 1);

function geometry(set: DataSet): Partial<FrameAttributes> {
  const position = vector(set, TAG.position, "DS", 3);
  const orientation = vector(set, TAG.orientation, "DS", 6);
  const spacing = vector(set, TAG.pixelSpacing, "DS", 2);
  const thickness = number(set, TAG.thickness, "DS");
  return {
    ...(position && { position: position as unknown as readonly [number, number, number] }),
    ...(orientation && { orientation: orientation as unknown as NonNullable<FrameAttributes["orientation"]> }),
    ...(spacing?.every((mm) => mm > 0) && { spacing: spacing as unknown as readonly [number, number] }),
    ...(thickness !== undefined && thickness > 0 && { thickness }),
  };
}

/** @throws ProcessorError `dicom-header` where one is there and is no number: values without it would be wrong. */
function readRescale(set: DataSet): Rescale {
  const read = (tag: number, name: string, absent: number) => {
    const value = number(set, tag, "DS");
    if (value === undefined && valueBytes(set, tag) !== undefined)
      throw new ProcessorError("dicom-header", `${name} is no number`);
    return value ?? absent;
  };
  return {
    slope: read(TAG.rescaleSlope, "RescaleSlope", 1),
    intercept: read(TAG.rescaleIntercept, "RescaleIntercept", 0),
  };
}

function readWindows(set: DataSet): FileWindow[] {
  const centers = numbers(set, TAG.windowCenter, "DS");
  const widths = numbers(set, TAG.windowWidth, "DS");
  const named = text(set, TAG.voiLutFunction) ?? "LINEAR";
  const known = named === "LINEAR" || named === "LINEAR_EXACT" || named === "SIGMOID";
  const voi: VoiFunction = known ? named : "LINEAR";
  const count = Math.min(Math.max(centers.length, widths.length), MAX_WINDOWS);
  return Array.from({ length: count }, (_, i) => {
    const [center, width] = [centers[i] ?? Number.NaN, widths[i] ?? Number.NaN];
    return { center, width, function: voi, valid: known && isWindow(center, width, voi) };
  });
}

/** No file gives more on purpose. */
const MAX_WINDOWS = 256;

/** Whether a window can be applied. Source: DICOM PS3.3 C.11.2.1.2 and C.11.2.1.3. */
export const isWindow = (center: number, width: number, voi: VoiFunction): boolean =>
  Number.isFinite(center) && Number.isFinite(width) && (voi === "LINEAR" ? width >= 1 : width > 0);
