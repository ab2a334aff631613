import type { DicomHeader } from "../dicom/header.js";
import { readDicom } from "../dicom/image.js";
import { ProcessorError } from "../errors.js";
import { type InputLimits, inputLimits } from "../input/limits.js";
import type { InputWarning } from "../input/warning.js";
import type { Geometry } from "../volume/affine.js";
import type { Volume } from "../volume/volume.js";
import { stackGeometry } from "./geometry.js";
import { type Group, groupSlices } from "./group.js";
import { type Ordered, orderSlices, type Stack } from "./order.js";
import { type Scan, scanFiles } from "./scan.js";
import { bytesOf, type SeriesFile } from "./slice.js";
import { type SeriesSliceOptions, type SeriesSource, stackSource } from "./source.js";
import { type Open, stackVolume } from "./volume.js";
import { groupWarnings, otherWarnings } from "./warnings.js";

export interface SeriesOptions {
  readonly limits?: InputLimits;
  readonly signal?: AbortSignal;
}

/** A series of slices of one size and orientation. Its pixels are read from the files again when they are asked for. */
export interface DicomSeries {
  /** Of the first slice. Of an enhanced file see its `perFrame`. */
  readonly header: DicomHeader;
  /** Slices of a volume (the first, of a 4D series). */
  readonly count: number;
  /** 1, or of a 4D series how many there are. */
  readonly volumes: number;
  /** Of the first volume's slices in order: which of the files given, from 0. */
  readonly files: readonly number[];
  /** Of the first volume's slices: mm along their normal, ascending. Undefined where the files do not say. */
  readonly positions: readonly number[] | undefined;
  /** mm between columns, between rows and between slices (their mean). */
  readonly spacing: readonly [number, number, number] | undefined;
  /** Where the first volume lies (RAS+). Undefined without positions or pixel spacing. */
  readonly geometry: Geometry | undefined;
  readonly warnings: readonly InputWarning[];
  /**
   * The whole volume: V[x, y, z] is column x, row y, slice z. It holds the values as they are stored, 2 bytes each as a rule.
   * @throws ProcessorError `series-volume-index`, `series-too-large`, `series-volume`, and what the files' codecs find wrong
   */
  volume(options?: { readonly volumeIndex?: number; readonly signal?: AbortSignal }): Promise<Volume>;
  /** @throws ProcessorError `series-volume-index`, `volume-axis`, `volume-slices`, `volume-geometry`, `dicom-window`. */
  slices(options?: SeriesSliceOptions): SeriesSource;
}

/**
 * Finds the series among files and how their slices lie, the largest first. Groups by series and orientation, drops
 * duplicates by SOP Instance UID, leaves out what is no DICOM picture, sorts by position along the normal (never by instance
 * number where there are positions), splits series whose slices lie at the same places. All that is odd is in `warnings`.
 * One file is in memory at a time, and of all files only their headers are kept.
 * @throws ProcessorError `series-empty`, `series-too-large`, `input-limit`, `input-file`; the first file's own error where all are broken
 */
export async function readSeries(files: readonly SeriesFile[], options: SeriesOptions = {}): Promise<DicomSeries[]> {
  const limits = inputLimits(options.limits);
  if (!Array.isArray(files))
    throw new ProcessorError("input-file", "give a list of files; openInput reads the path of a folder");
  const scan = await scanFiles(files, limits, options.signal);
  const groups = groupSlices(scan.slices).toSorted((a, b) => b.slices.length - a.slices.length);
  return groups.map((group) => makeSeries(files, scan, groups, group, limits));
}

function makeSeries(
  files: readonly SeriesFile[],
  scan: Scan,
  groups: readonly Group[],
  group: Group,
  limits: Required<InputLimits>,
): DicomSeries {
  const ordered = orderSlices(group.slices);
  const first = ordered.stacks[0]!;
  const geometry = stackGeometry(first);
  const open = () => opener(files, limits);
  return {
    header: first.slices[0]!.header,
    count: first.slices.length,
    volumes: ordered.stacks.length,
    files: first.slices.map(({ file }) => file),
    positions: first.positions,
    spacing: geometry?.spacing,
    geometry,
    warnings: [...groupWarnings(group, ordered, scan), ...otherWarnings(group, groups, scan)],
    volume: ({ volumeIndex, signal } = {}) => stackVolume(chosen(ordered, volumeIndex), open(), limits, signal),
    slices: (options = {}) => stackSource(chosen(ordered, options.volumeIndex), options, open, limits),
  };
}

function chosen({ stacks }: Ordered, index = 0): Stack {
  const stack = Number.isSafeInteger(index) ? stacks[index] : undefined;
  if (stack === undefined)
    throw new ProcessorError("series-volume-index", `volumeIndex must be an integer of 0 to ${stacks.length - 1}`);
  return stack;
}

/** Keeps the file that was read last: an enhanced one holds many slices. */
function opener(files: readonly SeriesFile[], limits: InputLimits): Open {
  let last: { readonly file: number; readonly image: ReturnType<typeof readDicom> } | undefined;
  return async ({ file, header }) => {
    if (last?.file !== file)
      last = { file, image: bytesOf(files[file]!).then((bytes) => readDicom(bytes, { limits })) };
    const image = await last.image;
    const same = (["sopUid", "rows", "columns", "frames", "photometric"] as const).every(
      (key) => image.header[key] === header[key],
    );
    if (!same) throw new ProcessorError("series-volume", "a file is another one than when the series was read");
    return image;
  };
}
