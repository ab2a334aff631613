import {
  decodeFrames,
  decodeImage,
  type FrameSource,
  jpegDecoder,
  openInput,
  pngDecoder,
  readDicom,
  readNifti,
  readSeries,
  sniffImage,
  sniffVideo,
  streamSlices,
} from "@hulu/processor";
import { openInPage } from "../../packages/processor/src/video/web/open.js";
import { Digest, hold } from "./check.js";
import { type Files, QUOTES_CANARY } from "./format.js";
import { withWebCodecs } from "./formats/webcodecs.js";
import { MAX_BYTES, MAX_FRAMES, MAX_PIXELS } from "./limits.js";

/** All of a picture's frames, and the first by itself. */
export async function readPicture([bytes]: Files): Promise<string> {
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

/** A picture by what reads it in a page. A PNG that sharp reads as well has the same pixels; broken JPEGs need not. */
export async function readInPage([bytes]: Files): Promise<string> {
  const digest = new Digest();
  const decoders = [pngDecoder, jpegDecoder];
  const image = await decodeImage(bytes!, { maxPixels: MAX_PIXELS, decoders });
  digest.image(image);
  if (sniffImage(bytes!) !== "png") return digest.text();
  const sharps = await decodeImage(bytes!, { maxPixels: MAX_PIXELS }).catch(() => image);
  hold(Buffer.compare(image.data, sharps.data) === 0, "other pixels than sharp's");
  return digest.text();
}

const limits = { maxPixels: MAX_PIXELS, maxBytes: MAX_BYTES, maxFrames: MAX_FRAMES };

/** Every value of a volume, one file or a pair, as it lies and turned, and slices along each axis by either rule. */
export async function readVolume([bytes, image]: Files): Promise<string> {
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
export async function readFrames([bytes]: Files): Promise<string> {
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

/** Each series of a folder: its warnings, its volume, and some slices along each axis. */
export async function readFolder(files: Files): Promise<string> {
  const digest = new Digest();
  const all = await readSeries(
    files.map((bytes) => ({ bytes: async () => bytes })),
    { limits },
  );
  hold(all.length > 0 && all.every(({ count }, i) => count <= (all[i - 1]?.count ?? count)), "not the largest first");
  for (const { header, count, volumes, files: numbers, positions, geometry, warnings, volume, slices } of all) {
    hold(numbers.length === count && numbers.every((n) => n in files), "a slice is of no file");
    hold(!warnings.some(({ message }) => QUOTES_CANARY.test(message)), "a warning quotes the file");
    const rising = positions?.every((at, i) => Number.isFinite(at) && at >= (positions[i - 1] ?? at)) ?? true;
    hold(rising, "positions do not rise");
    hold(geometry?.affine.flat().every(Number.isFinite) ?? true, "the affine has what is no number");
    digest.add(JSON.stringify([header, count, volumes, numbers, positions, geometry, warnings]));
    const whole = await volume({ volumeIndex: volumes - 1 });
    const [x, y, z] = whole.shape;
    hold(x === header.columns && y === header.rows, "the volume is not of its slices' size");
    const values = whole.values();
    hold(values.length === x * y * z * whole.channels, "the values are not of the volume's shape");
    digest.add(values);
    for (const axis of [0, 1, 2] as const) await addFrames(digest, slices({ axis, rule: "hf", numSlices: 2 }));
  }
  return digest.text();
}

const VIEWS = [
  {},
  { as: "image" },
  { as: "volume", axis: "sagittal" },
  { as: "video" },
  { window: { center: 40, width: 80 }, reorient: "RAS", volumeIndex: 0 },
  { window: "min-max", rule: "repository", numSlices: 2 },
] as const;

/** Whatever it is, shown in two of several ways. */
export async function readOpened(files: Files): Promise<string> {
  const digest = new Digest();
  const turn = files.reduce((sum, { length }) => sum + length, 0);
  // A clip is for ffmpeg, which is another program's business: here it is never there.
  const all = { limits, ffmpeg: "no-such-program" };
  for (const view of [VIEWS[0], VIEWS[turn % VIEWS.length]!]) {
    const opened = await openInput(files.length === 1 ? files[0]! : files, { ...all, ...view });
    const { format, source, warnings } = opened;
    hold(!warnings.some(({ message }) => QUOTES_CANARY.test(message)), "a warning quotes the file");
    const facts = JSON.stringify([format, warnings, await opened.facts()]);
    // What kind of picture and which part of the body it is may be said, in capitals.
    hold(!facts.includes("zqxj"), "the facts quote the file");
    digest.add(facts);
    await addFrames(digest, source);
  }
  return digest.text();
}

/** The first frames, and that there are as many as there should be. */
async function addFrames(digest: Digest, source: FrameSource): Promise<void> {
  const { count, width, height, timestamps } = source;
  hold(Number.isSafeInteger(count) && count >= 1, "no number of frames");
  hold(timestamps === undefined || timestamps.length === count, "not one time per frame");
  hold(timestamps?.every(Number.isFinite) ?? true, "a time is none");
  let given = 0;
  for await (const frame of source.frames()) {
    if (given === 0) hold(frame.width === width && frame.height === height, "the first frame has another size");
    if (given < 8) digest.image(frame);
    given++;
  }
  hold(given === count, "other frames than were promised");
}

/** As a page takes a clip apart: its header, its packets, and some frames, which a decoder of ours makes up. */
export async function readClip([bytes]: Files): Promise<string> {
  const digest = new Digest();
  digest.add(String(sniffVideo(bytes!)));
  await withWebCodecs(async () => {
    const clip = await openInPage(bytes!, { limits, fps: 4, maxFrames: 4 });
    hold(clip.total >= clip.count && clip.videoFps > 0 && Number.isFinite(clip.videoFps), "no frames, or no rate");
    digest.add(JSON.stringify([clip.indices, clip.timestamps, clip.total, clip.videoFps, clip.codec, clip.warnings]));
    await addFrames(digest, clip);
  });
  return digest.text();
}
