import { defined } from "../defined.js";
import { ProcessorError } from "../errors.js";
import type { InputLimits } from "../input/limits.js";
import { integer, number, numbers, text, texts, valueBytes } from "./attributes.js";
import { type DataSet, items, someItems } from "./elements.js";
import { type FrameAttributes, first, readAttributes, withGroups } from "./frame-attributes.js";
import { type PixelLayout, readLayout } from "./layout.js";
import { TAG } from "./tags.js";
import type { TransferSyntax } from "./transfer-syntax.js";

/**
 * What a file says about its picture, nothing that names a patient. UIDs are for telling things apart; show them as
 * `uidHash` only. Of an enhanced multi-frame file the attributes of {@link FrameAttributes} are the first frame's.
 */
export interface DicomHeader extends PixelLayout, FrameAttributes {
  readonly transferSyntax: string;
  readonly sopClassUid?: string;
  readonly sopUid?: string;
  readonly studyUid?: string;
  readonly seriesUid?: string;
  readonly frameOfReferenceUid?: string;
  readonly modality?: string;
  readonly imageType: readonly string[];
  readonly bodyPart?: string;
  readonly acquisition?: number;
  readonly instance?: number;
  /** mm, from where the scanner counts; positions are to be trusted more. */
  readonly sliceLocation?: number;
  /** Between slices as the scanner says, mm; positions are to be trusted more. */
  readonly spacingBetween?: number;
  /** Seconds since the first frame, one per frame, where the file gives times. */
  readonly frameTimes?: readonly number[];
  /** Undefined where the file does not say. */
  readonly burnedIn?: boolean;
  /** Whether a Modality LUT stands in for the rescale. */
  readonly modalityLut: boolean;
  /** VOI LUTs beside the windows. */
  readonly voiLuts: number;
  /** One per frame in a file with functional groups, else none; {@link frameAttributes} reads either. */
  readonly perFrame: readonly FrameAttributes[];
}

/** No file gives more on purpose. */
const MAX_LUTS = 256;

/** What holds for one frame. */
export const frameAttributes = (header: DicomHeader, frame: number): FrameAttributes =>
  header.perFrame[frame] ?? header;

/** @throws ProcessorError `dicom-header`, `dicom-unsupported`, `dicom-too-large`, `dicom-corrupt`. */
export function readHeader(set: DataSet, syntax: TransferSyntax, limits: Required<InputLimits>): DicomHeader {
  const layout = readLayout(set, syntax, limits);
  const perFrame = readGroups(set, layout.frames);
  return {
    transferSyntax: syntax.uid,
    ...layout,
    ...(perFrame[0] ?? readAttributes(set)),
    ...defined({
      sopClassUid: text(set, TAG.sopClassUid),
      sopUid: text(set, TAG.sopUid),
      studyUid: text(set, TAG.studyUid),
      seriesUid: text(set, TAG.seriesUid),
      frameOfReferenceUid: text(set, TAG.frameOfReferenceUid),
      modality: text(set, TAG.modality),
      bodyPart: text(set, TAG.bodyPart)?.toUpperCase(),
      acquisition: integer(set, TAG.acquisition, "IS"),
      instance: integer(set, TAG.instance, "IS"),
      sliceLocation: number(set, TAG.sliceLocation, "DS"),
      spacingBetween: number(set, TAG.spacingBetween, "DS"),
      frameTimes: layout.frames > 1 ? frameTimes(set, layout.frames) : undefined,
      burnedIn: { YES: true, NO: false }[text(set, TAG.burnedIn)?.toUpperCase() as "YES" | "NO"],
    }),
    imageType: texts(set, TAG.imageType),
    modalityLut: first(set, TAG.modalityLutSequence).length > 0,
    voiLuts: someItems(set, TAG.voiLutSequence, MAX_LUTS).length,
    perFrame,
  };
}

/** What each frame of an enhanced file has: its own groups over the shared ones. */
function readGroups(set: DataSet, frames: number): FrameAttributes[] {
  if (valueBytes(set, TAG.sharedGroups) === undefined && !set.elements.has(TAG.perFrameGroups)) return [];
  const shared = first(set, TAG.sharedGroups).reduce(withGroups, readAttributes(set));
  const own: FrameAttributes[] = [];
  for (const item of items(set, TAG.perFrameGroups)) {
    if (own.length === frames) break;
    own.push(withGroups(shared, item));
  }
  if (own.length > 0 && own.length < frames)
    throw new ProcessorError("dicom-header", `${frames} frames have functional groups for ${own.length}`);
  return own.length > 0 ? own : Array.from({ length: frames }, () => shared);
}

/** From the time or the times between frames (ms), else from a rate. Source: DICOM PS3.3 C.7.6.5. */
function frameTimes(set: DataSet, frames: number): number[] | undefined {
  const steps = numbers(set, TAG.frameTimeVector, "DS");
  if (steps.length === frames && steps.every((ms) => ms >= 0 && Number.isFinite(ms))) {
    const times = [0];
    for (const ms of steps.slice(1)) times.push(times.at(-1)! + ms / 1000);
    return times;
  }
  const rate = number(set, TAG.cineRate, "IS") ?? number(set, TAG.displayFrameRate, "IS");
  const step = number(set, TAG.frameTime, "DS") ?? (rate !== undefined && rate > 0 ? 1000 / rate : 0);
  return step > 0 ? Array.from({ length: frames }, (_, i) => (i * step) / 1000) : undefined;
}
