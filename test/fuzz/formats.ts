import { decodeFrames, decodeImage, ProcessorError, readNifti, streamSlices } from "@hulu/processor";
import { Digest, hold } from "./check.js";
import type { Files, Format } from "./format.js";
import { bmpLayout, bmpSeeds } from "./formats/bmp.js";
import { gifLayout, gifSeeds } from "./formats/gif.js";
import { jpegLayout, jpegSeeds } from "./formats/jpeg.js";
import { gzipInner, gzipLayout, gzipSeeds, niftiLayout, niftiSeeds } from "./formats/nifti.js";
import { pngInner, pngLayout, pngMend, pngSeeds } from "./formats/png.js";
import { riffLayout, riffMend, webpSeeds } from "./formats/riff.js";
import { textLayout, textSeeds } from "./formats/text.js";
import { tiffLayout, tiffSeeds } from "./formats/tiff.js";
import { MAX_BYTES, MAX_PIXELS } from "./limits.js";

/** All of a picture's frames, and the first by itself. */
async function readPicture([bytes]: Files): Promise<string> {
  const digest = new Digest();
  const { frames, delays } = await decodeFrames(bytes!, { maxPixels: MAX_PIXELS });
  hold(frames.length > 0, "no frame");
  hold(frames.reduce((n, { width, height }) => n + width * height, 0) <= MAX_PIXELS, "more pixels than the limit");
  hold(delays === undefined || delays.length === frames.length, "not one delay per frame");
  for (const frame of frames) digest.image(frame);
  for (const delay of delays ?? []) {
    hold(Number.isFinite(delay) && delay >= 0, "a delay is no time");
    digest.add(delay);
  }
  const first = await decodeImage(bytes!, { maxPixels: MAX_PIXELS });
  digest.image(first);
  hold(
    first.width === frames[0]!.width && first.height === frames[0]!.height,
    "the first frame alone has another size",
  );
  return digest.text();
}

/** Every value of a volume, and slices along each axis by either rule. */
async function readVolume([bytes]: Files): Promise<string> {
  const digest = new Digest();
  const options = { maxBytes: MAX_BYTES };
  const volume = await readNifti(bytes!, { ...options, volumeIndex: 0 });
  const values = volume.values();
  const [x, y, z] = volume.shape;
  hold(values.length === x * y * z && values.length > 0, "the values are not of the volume's shape");
  digest.add(values);
  for (const axis of [0, 1, 2] as const)
    for (const rule of ["hf", "repository"] as const)
      for (const frame of streamSlices(volume, { axis, rule, numSlices: 3 })) digest.image(frame);
  for (const frame of streamSlices(volume, { rule: "hf", numSlices: 2, window: { center: 40, width: 80 } }))
    digest.image(frame);
  return digest.text();
}

/** By each reader in turn, whatever it is. */
async function readAsAny(files: Files): Promise<string> {
  const errors: unknown[] = [];
  for (const read of [readPicture, readVolume])
    try {
      return await read(files);
    } catch (error) {
      if (!(error instanceof ProcessorError)) throw error;
      errors.push(error);
    }
  throw errors[0];
}

/** Seeds are made once. */
function one(
  name: string,
  seeds: () => readonly Uint8Array[] | Promise<readonly Uint8Array[]>,
  rest: Omit<Format, "name" | "seeds">,
): Format {
  let made: Promise<readonly Files[]> | undefined;
  const all = async () => (await seeds()).map((bytes) => [bytes]);
  return {
    name,
    seeds: () => {
      made ??= all();
      return made;
    },
    ...rest,
  };
}

const NIFTI_REFUSES = ["nifti-dimensions", "nifti-datatype"];

export const formats: readonly Format[] = [
  one("png", pngSeeds, { layout: pngLayout, mend: pngMend, inner: pngInner, read: readPicture }),
  one("jpeg", jpegSeeds, { layout: jpegLayout, read: readPicture }),
  one("webp", webpSeeds, { layout: riffLayout, mend: riffMend, read: readPicture }),
  one("gif", gifSeeds, { layout: gifLayout, read: readPicture }),
  one("tiff", tiffSeeds, { layout: tiffLayout, read: readPicture }),
  one("bmp", bmpSeeds, { layout: bmpLayout, read: readPicture }),
  one("nifti", niftiSeeds, { refuses: NIFTI_REFUSES, layout: niftiLayout, read: readVolume }),
  one("nifti-gz", gzipSeeds, { refuses: NIFTI_REFUSES, layout: gzipLayout, inner: gzipInner, read: readVolume }),
  one("text", textSeeds, {
    unreadable: true,
    layout: textLayout,
    read: readAsAny,
  }),
];
