import { frameAttributes } from "../dicom/header.js";
import { type DicomImage, readDicom } from "../dicom/image.js";
import { ProcessorError, type ProcessorErrorCode } from "../errors.js";
import type { InputLimits } from "../input/limits.js";
import type { InputWarning } from "../input/warning.js";
import { bytesOf, normalOf, type SeriesFile, type Slice } from "./slice.js";

/** What a list of files holds. */
export interface Scan {
  readonly slices: readonly Slice[];
  /** Files that were left out because another has the same SOP Instance UID, by series. */
  readonly duplicates: ReadonlyMap<string | undefined, number>;
  /** What each file's own header warns of. */
  readonly fileWarnings: ReadonlyMap<number, readonly InputWarning[]>;
  /** What was left out. */
  readonly warnings: readonly InputWarning[];
}

/**
 * Reads the header of each file, one file in memory at a time.
 * @throws ProcessorError `series-too-large` for more slices than `maxFrames`; the first file's own error where all are
 *   broken; `series-empty` where none is a picture
 */
export async function scanFiles(
  files: readonly SeriesFile[],
  limits: Required<InputLimits>,
  signal: AbortSignal | undefined,
): Promise<Scan> {
  const slices: Slice[] = [];
  const fileWarnings = new Map<number, readonly InputWarning[]>();
  const seen = new Set<string>();
  const duplicates = new Map<string | undefined, number>();
  const left = { strange: 0, clips: 0, broken: [] as ProcessorError[] };
  for (const [file, given] of files.entries()) {
    signal?.throwIfAborted();
    const image = await open(given, limits, left);
    if (image === undefined) continue;
    const { sopUid, seriesUid } = image.header;
    if (sopUid !== undefined && seen.has(sopUid)) {
      duplicates.set(seriesUid, (duplicates.get(seriesUid) ?? 0) + 1);
      continue;
    }
    if (sopUid !== undefined) seen.add(sopUid);
    if (isClip(image)) {
      left.clips++;
      continue;
    }
    if (slices.length + image.frames > limits.maxFrames)
      throw new ProcessorError("series-too-large", `there are more than ${limits.maxFrames} slices (maxFrames)`);
    fileWarnings.set(file, image.warnings);
    const { header } = image;
    for (let frame = 0; frame < image.frames; frame++)
      slices.push({ file, frame, header, at: frameAttributes(header, frame) });
  }
  if (slices.length === 0) throw nothing(files.length, left);
  return { slices, duplicates, fileWarnings, warnings: leftOut(left) };
}

interface Left {
  strange: number;
  clips: number;
  readonly broken: ProcessorError[];
}

const STRANGE: readonly ProcessorErrorCode[] = ["dicom-format", "dicom-pixels-missing"];

async function open(file: SeriesFile, limits: InputLimits, left: Left): Promise<DicomImage | undefined> {
  const bytes = await bytesOf(file);
  try {
    return await readDicom(bytes, { limits });
  } catch (error) {
    if (!(error instanceof ProcessorError)) throw error;
    if (STRANGE.includes(error.code)) left.strange++;
    else left.broken.push(error);
    return undefined;
  }
}

/** Several frames that do not say where they lie are moments, not slices. */
const isClip = ({ header, frames }: DicomImage): boolean =>
  frames > 1 && !header.perFrame.some((at) => at.position !== undefined && normalOf(at) !== undefined);

function nothing(count: number, { clips, broken }: Left): ProcessorError {
  const [first] = broken;
  if (first !== undefined) return first;
  if (clips > 0)
    return new ProcessorError(
      "series-empty",
      `${files(clips)} of frames without positions, and no slice: each is a clip, to be read by itself`,
    );
  return new ProcessorError("series-empty", `none of the ${files(count)} is a DICOM picture`);
}

const files = (count: number) => (count === 1 ? "1 file" : `${count} files`);

function leftOut({ strange, clips, broken }: Left): InputWarning[] {
  const warnings: InputWarning[] = [];
  if (strange > 0)
    warnings.push({ code: "series-not-dicom", message: `${files(strange)} left out: no DICOM, or without pixels` });
  if (broken.length > 0) {
    const codes = [...new Set(broken.map((error) => error.code))].toSorted().join(", ");
    warnings.push({ code: "partial", message: `${files(broken.length)} left out, which cannot be read (${codes})` });
  }
  if (clips > 0)
    warnings.push({
      code: "series-other",
      message: `${files(clips)} left out: several frames without positions, which is a clip, to be read by itself`,
    });
  return warnings;
}
