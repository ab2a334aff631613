import { defined } from "../defined.js";
import type { DicomHeader } from "../dicom/header.js";
import { type DicomImage, readDicom } from "../dicom/image.js";
import { uidHash } from "../dicom/uid.js";
import type { WindowChoice } from "../dicom/window.js";
import { ProcessorError } from "../errors.js";
import { readSeries } from "../series/series.js";
import type { SeriesFile } from "../series/slice.js";
import { cineSource } from "../video/cine.js";
import { sliceIndices } from "../volume/slices.js";
import { axisNumber } from "../volume/volume.js";
import { type FileInput, fileBytes } from "./file.js";
import type { FrameSource } from "./frame-source.js";
import { inputLimits } from "./limits.js";
import type { InputFacts, OpenedInput, OpenOptions } from "./opened.js";

/** One file: a picture, a clip, or, where its frames have places in the patient, a volume. */
export async function openDicom(file: FileInput, options: OpenOptions): Promise<OpenedInput> {
  const limits = inputLimits(options.limits);
  const image = await readDicom(await fileBytes(file, { limits }), { limits });
  const as = options.as ?? (image.frames === 1 ? "image" : isStack(image.header) ? "volume" : "video");
  if (as === "volume") return openSeries([file], options);
  return as === "image" ? onePicture(image, options) : oneClip(image, options);
}

/** Whether frames lie at different places. */
function isStack({ perFrame }: DicomHeader): boolean {
  const places = perFrame.map(({ position }) => position?.join(" "));
  return !places.includes(undefined) && new Set(places).size > 1;
}

function onePicture(image: DicomImage, options: OpenOptions): OpenedInput {
  const { frame = 0 } = options;
  const { columns: width, rows: height } = image.header;
  const window = windowOf(options.window);
  const paint = () => image.picture(frame, { window });
  const source: FrameSource = {
    ...{ kind: "image", count: 1, width, height },
    async *frames({ signal } = {}) {
      signal?.throwIfAborted();
      yield (await paint()).image;
    },
  };
  return {
    format: "dicom",
    source,
    warnings: image.warnings,
    facts: async () => {
      const { window, rescale } = await paint();
      const indices = image.frames > 1 ? { indices: [frame] } : {};
      return { ...factsOf(image.header), frames: image.frames, ...indices, ...defined({ window, rescale }) };
    },
  };
}

function oneClip(image: DicomImage, options: OpenOptions): OpenedInput {
  const { limits, fps, maxFrames, start, end, rule } = options;
  const window = windowOf(options.window);
  const range = { fps, maxFrames, start, end, ...(rule && { rule }), ...(limits && { limits }) };
  const source = cineSource<WindowChoice>(image, { ...range, window });
  const { videoFps, indices } = source;
  return {
    format: "dicom",
    source,
    warnings: image.warnings,
    facts: async () => {
      const { window: used, rescale } = await image.picture(indices[0]!, { window });
      const times = videoFps === undefined ? {} : { fps: videoFps, seconds: image.frames / videoFps };
      const some = indices.length < image.frames ? { indices } : {};
      const seen = defined({ window: used, rescale });
      return { ...factsOf(image.header), frames: image.frames, ...times, ...some, ...seen };
    },
  };
}

/** The files of a series, among others perhaps. */
export async function openSeries(files: readonly FileInput[], options: OpenOptions): Promise<OpenedInput> {
  const limits = inputLimits(options.limits);
  const { axis = "axial", rule = "hf", numSlices, window, view, volumeIndex, series: wanted = 0 } = options;
  if (view === "radiological")
    throw new ProcessorError("volume-geometry", "the view of a DICOM series must be stored or upstream");
  const lazy = files.map((file): SeriesFile => ({ bytes: () => fileBytes(file, { limits }) }));
  const all = await readSeries(lazy, { limits, ...(options.signal && { signal: options.signal }) });
  const series = Number.isSafeInteger(wanted) ? all[wanted] : undefined;
  if (series === undefined)
    throw new ProcessorError("input-format", `series must be an integer of 0 to ${all.length - 1}, the largest first`);
  const source = series.slices({
    ...{ axis, rule },
    ...defined({ numSlices, window, view, volumeIndex }),
  });
  const { header, geometry, volumes, spacing } = series;
  const along = [header.columns, header.rows, series.count][axisNumber(axis)]!;
  const facts: InputFacts = {
    ...factsOf(header),
    width: source.width,
    height: source.height,
    frames: along,
    indices: sliceIndices(along, rule, numSlices),
    rescale: header.rescale,
    ...(volumes > 1 && { volumes }),
    ...(header.seriesUid !== undefined && { series: await uidHash(header.seriesUid) }),
    ...defined({ spacing, axcodes: geometry?.axcodes, window: source.window }),
  };
  return {
    format: "dicom-series",
    source: options.as === "video" || options.as === "image" ? { ...source, kind: options.as } : source,
    warnings: series.warnings,
    facts: async () => facts,
  };
}

/** The window of one file. */
function windowOf(window: OpenOptions["window"]): WindowChoice {
  return window === undefined ? "file" : window === "slice-min-max" ? "min-max" : window;
}

function factsOf(header: DicomHeader): Omit<InputFacts, "frames"> {
  const { columns: width, rows: height, modality, transferSyntax, photometric, bitsStored: bits, spacing } = header;
  const [row, column] = spacing ?? [];
  const grid = row !== undefined && column !== undefined ? [column, row] : undefined;
  return { width, height, transferSyntax, photometric, bits, ...defined({ modality, spacing: grid }) };
}
