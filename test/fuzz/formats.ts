import { decodeFrames, decodeImage, ProcessorError, readDicom, readNifti, streamSlices } from "@hulu/processor";
import { Digest, hold } from "./check.js";
import { type Files, type Format, QUOTES_CANARY } from "./format.js";
import { bmpLayout, bmpSeeds } from "./formats/bmp.js";
import { dicomInner, dicomLayout } from "./formats/dicom.js";
import { dicomSeeds, htj2kSeeds, jpeg2000Seeds, jpegDicomSeeds, jpegLsSeeds, rleSeeds } from "./formats/dicom-seeds.js";
import { gifLayout, gifSeeds } from "./formats/gif.js";
import { jpegLayout, jpegSeeds } from "./formats/jpeg.js";
import { gzipInner, gzipLayout, gzipSeeds, niftiLayout, niftiSeeds, pairSeeds } from "./formats/nifti.js";
import { pngInner, pngLayout, pngMend, pngSeeds } from "./formats/png.js";
import { riffLayout, riffMend, webpSeeds } from "./formats/riff.js";
import { textLayout, textSeeds } from "./formats/text.js";
import { tiffLayout, tiffSeeds } from "./formats/tiff.js";
import { MAX_BYTES, MAX_FRAMES, MAX_PIXELS } from "./limits.js";

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

const limits = { maxPixels: MAX_PIXELS, maxBytes: MAX_BYTES, maxFrames: MAX_FRAMES };

/** Every value of a volume, one file or a pair, as it lies and turned, and slices along each axis by either rule. */
async function readVolume([bytes, image]: Files): Promise<string> {
  const digest = new Digest();
  const options = { limits, volumeIndex: 0, ...(image && { image }) };
  const volume = await readNifti(bytes!, options);
  const values = volume.values();
  const [x, y, z] = volume.shape;
  hold(values.length === x * y * z * volume.channels && values.length > 0, "the values are not of the volume's shape");
  digest.add(values);
  hold(volume.geometry?.affine.flat().every(Number.isFinite) ?? true, "the affine has what is no number");
  digest.add(JSON.stringify(volume.geometry ?? null));
  for (const axis of [0, 1, 2] as const)
    for (const rule of ["hf", "repository"] as const)
      for (const frame of streamSlices(volume, { axis, rule, numSlices: 3 })) digest.image(frame);
  if (volume.channels === 1)
    for (const frame of streamSlices(volume, { rule: "hf", numSlices: 2, window: { center: 40, width: 80 } }))
      digest.image(frame);
  if (volume.geometry === undefined) return digest.text();
  const turned = await readNifti(bytes!, { ...options, reorient: "RAS" });
  hold([...turned.shape].sort().join() === [...volume.shape].sort().join(), "turned, it has other sizes");
  for (const frame of streamSlices(turned, { rule: "hf", numSlices: 2 })) digest.image(frame);
  return digest.text();
}

/** Some frames of a file: as they are stored, their values, and as pictures by each kind of window. */
async function readFrames([bytes]: Files): Promise<string> {
  const digest = new Digest();
  const image = await readDicom(bytes!, { limits });
  const { header, frames } = image;
  hold(
    frames >= 1 && frames <= MAX_FRAMES && frames === header.frames,
    "the frames are not as many as the limit allows",
  );
  hold(header.perFrame.length === 0 || header.perFrame.length === frames, "not one group per frame");
  digest.add(JSON.stringify([header, image.warnings]));
  hold(!image.warnings.some(({ message }) => QUOTES_CANARY.test(message)), "a warning quotes the file");
  for (const frame of new Set([0, Math.floor(frames / 2), frames - 1])) {
    const { samples } = await image.stored(frame);
    hold(samples.length === header.rows * header.columns * header.samples, "the samples are not of the frame's size");
    digest.add(samples);
    const grey = header.photometric.startsWith("MONOCHROME");
    if (grey) {
      const values = await image.values(frame);
      hold(values.length === samples.length, "the values are not of the frame's size");
      hold(header.kind !== "integer" || !values.some(Number.isNaN), "a value is no number");
      digest.add(values);
    }
    const windows = [
      "file",
      ...(grey ? (["min-max", { center: 10, width: 30, function: "SIGMOID" }] as const) : []),
    ] as const;
    for (const { image: picture } of await image.pictures(frame, windows)) {
      hold(picture.width === header.columns && picture.height === header.rows, "the picture has another size");
      digest.image(picture);
    }
  }
  return digest.text();
}

/** By each reader in turn, whatever it is. */
async function readAsAny(files: Files): Promise<string> {
  const errors: unknown[] = [];
  for (const read of [readPicture, readVolume, readFrames])
    try {
      return await read(files);
    } catch (error) {
      if (!(error instanceof ProcessorError)) throw error;
      errors.push(error);
    }
  throw errors[0];
}

type Made<T> = readonly T[] | Promise<readonly T[]>;

/** Of inputs of one file. */
const one = (name: string, seeds: () => Made<Uint8Array>, rest: Omit<Format, "name" | "seeds">): Format =>
  several(name, async () => (await seeds()).map((bytes) => [bytes]), rest);

/** Seeds are made once. */
function several(name: string, seeds: () => Made<Files>, rest: Omit<Format, "name" | "seeds">): Format {
  let made: Promise<readonly Files[]> | undefined;
  return {
    name,
    seeds: () => {
      made ??= Promise.resolve(seeds());
      return made;
    },
    ...rest,
  };
}

const NIFTI_REFUSES = ["nifti-datatype"];

const dicom = { layout: dicomLayout, inner: dicomInner, read: readFrames };

export const formats: readonly Format[] = [
  one("png", pngSeeds, { layout: pngLayout, mend: pngMend, inner: pngInner, read: readPicture }),
  one("jpeg", jpegSeeds, { layout: jpegLayout, read: readPicture }),
  one("webp", webpSeeds, { layout: riffLayout, mend: riffMend, read: readPicture }),
  one("gif", gifSeeds, { layout: gifLayout, read: readPicture }),
  one("tiff", tiffSeeds, { layout: tiffLayout, read: readPicture }),
  one("bmp", bmpSeeds, { layout: bmpLayout, read: readPicture }),
  one("nifti", niftiSeeds, { refuses: NIFTI_REFUSES, layout: niftiLayout, read: readVolume }),
  one("nifti-gz", gzipSeeds, { refuses: NIFTI_REFUSES, layout: gzipLayout, inner: gzipInner, read: readVolume }),
  several("nifti-pair", pairSeeds, { refuses: NIFTI_REFUSES, layout: niftiLayout, read: readVolume }),
  one("dicom", dicomSeeds, dicom),
  one("dicom-rle", rleSeeds, dicom),
  one("dicom-jpeg", jpegDicomSeeds, dicom),
  one("dicom-jpegls", jpegLsSeeds, dicom),
  one("dicom-j2k", jpeg2000Seeds, dicom),
  one("dicom-htj2k", htj2kSeeds, dicom),
  one("text", textSeeds, {
    unreadable: true,
    layout: textLayout,
    read: readAsAny,
  }),
];
