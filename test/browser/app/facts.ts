// What the processor makes of files, as hashes: the same code runs in a page and in Node, which must find the same.
import * as processor from "@hulu/processor";

export type Facts = Readonly<Record<string, unknown>>;

async function sha256(data: ArrayBufferView): Promise<string> {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const codes = (warnings: readonly processor.InputWarning[]) => warnings.map(({ code }) => code);

/** What `run` finds, or the code of its refusal. What is no `ProcessorError` is told as what it is. */
async function told(run: () => Promise<Facts>): Promise<Facts> {
  try {
    return await run();
  } catch (error) {
    return { code: error instanceof processor.ProcessorError ? error.code : String(error) };
  }
}

async function picture(file: Uint8Array): Promise<Facts> {
  const { frames, delays } = await processor.decodeFrames(file);
  const grey16 = frames.map((frame) => frame.grey16).find((samples) => samples !== undefined);
  return {
    sizes: frames.map(({ width, height }) => [width, height]),
    rgb: await Promise.all(frames.map(({ data }) => sha256(data))),
    delays,
    grey16: grey16 && (await sha256(grey16)),
  };
}

async function dicom(file: Uint8Array): Promise<Facts> {
  const image = await processor.readDicom(file);
  const frames: unknown[] = [];
  for (let frame = 0; frame < image.frames; frame++) {
    const shown = async (window: "file" | "min-max") => {
      const { image: rgb, window: used, rescale } = await image.picture(frame, { window });
      return [await sha256(rgb.data), used, rescale];
    };
    const { samples, colour } = await image.stored(frame);
    frames.push([colour, await sha256(samples), await shown("file"), frame === 0 && (await shown("min-max"))]);
  }
  const values = await image.values(0).then(sha256, (error) => error.code);
  return { warnings: codes(image.warnings), frames, values };
}

async function nifti(file: Uint8Array, image?: Uint8Array): Promise<Facts> {
  const options = { volumeIndex: 0, ...(image && { image }) };
  const volume = await processor.readNifti(file, options);
  const slices = processor.volumeFrames(volume, { rule: "hf", numSlices: 8 });
  return {
    shape: volume.shape,
    affine: volume.geometry?.affine,
    values: await sha256(volume.values()),
    slices: await Promise.all(slices.map(({ data }) => sha256(data))),
    turned: await told(async () => ({ values: await sha256(processor.reorientRas(volume).values()) })),
  };
}

async function clip(file: Uint8Array, options: processor.VideoOptions): Promise<Facts> {
  const { count, width, height, timestamps, warnings, ...source } = await processor.openVideo(file, options);
  const frames: string[] = [];
  for await (const { data } of source.frames()) frames.push(await sha256(data));
  return { count, width, height, timestamps, warnings: codes(warnings), frames };
}

/** One file, by the reader of its kind; and as `openInput` sees it, whatever it is called. */
export async function factsOf(
  kind: string,
  file: Uint8Array,
  { image, ...options }: processor.VideoOptions & { readonly image?: Uint8Array } = {},
): Promise<Facts> {
  const readers: Readonly<Record<string, () => Promise<Facts>>> = {
    image: () => picture(file),
    dicom: () => dicom(file),
    series: () => dicom(file),
    seriesmixed: () => dicom(file),
    nifti: () => nifti(file, image),
    video: () => clip(file, options),
  };
  const opened = await told(async () => {
    const files = image === undefined ? file : [file, image];
    const { format, source, warnings } = await processor.openInput(files, { volumeIndex: 0, ...options });
    const frames: string[] = [];
    for await (const { data } of source.frames()) frames.push(await sha256(data));
    return { format, kind: source.kind, frames, warnings: codes(warnings) };
  });
  return { ...(await told(readers[kind]!)), opened };
}

/** The files of a folder as a series. */
export const seriesFacts = (files: readonly Blob[]): Promise<Facts> =>
  told(async () => {
    const [series] = await processor.readSeries(files);
    const slices: string[] = [];
    for await (const { data } of series!.slices({ rule: "hf", window: "soft" }).frames())
      slices.push(await sha256(data));
    const { positions, spacing, geometry, warnings } = series!;
    const values = await sha256((await series!.volume()).values());
    return { files: series!.files, positions, spacing, affine: geometry?.affine, warnings, slices, values };
  });
