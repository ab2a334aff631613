import { ProcessorError } from "../errors.js";
import {
  checkPixels,
  type DecodedFrames,
  type DecodeSettings,
  type ImageDecoder as PictureDecoder,
} from "./decoder.js";
import { checkGif } from "./gif.js";
import { type ImageHeader, readHeader } from "./header.js";
import { type RgbImage, toRgb } from "./rgb.js";
import type { ImageFormat } from "./sniff.js";

/**
 * Reads PNG, JPEG, WebP and GIF in a page or its worker, through the browser's own decoders (`ImageDecoder` of WebCodecs).
 * They give the stored pixels: no colour profile, no EXIF orientation. A canvas would apply both. Where a picture lets
 * something through, the browser has multiplied its colours already, so it is refused. By default only WebP and GIF are left
 * to them; PNG and JPEG they read faster, and not of all kinds: a JPEG's colours differ by a few steps from libjpeg's.
 */
export const webDecoder: PictureDecoder = { name: "web", formats: ["png", "jpeg", "webp", "gif"], decode };

function browserDecoder(): typeof ImageDecoder {
  if (typeof ImageDecoder === "function") return ImageDecoder;
  throw new ProcessorError(
    "image-decoder-missing",
    "this browser has no ImageDecoder (WebCodecs, in pages of https or localhost alone); give pixels: { data, width, height }",
  );
}

async function decode(bytes: Uint8Array, format: ImageFormat, settings: DecodeSettings): Promise<DecodedFrames> {
  const Decoder = browserDecoder();
  if (format === "gif") checkGif(bytes);
  const header = readHeader(bytes, format);
  if (header === undefined) throw new ProcessorError("image-corrupt", `${format}: the file has no whole header`);
  const { width, height } = header;
  checkPixels(format, width, height, 1, settings.maxPixels);
  checkSamples(format, header, settings);
  const decoder = new Decoder({
    data: bytes as Uint8Array<ArrayBuffer>,
    type: `image/${format}`,
    colorSpaceConversion: "none",
  });
  try {
    return await guarded(format, async () => {
      await Promise.all([decoder.tracks.ready, decoder.completed]);
      const all = decoder.tracks.selectedTrack?.frameCount ?? 1;
      const pages = settings.firstOnly || format !== "gif" ? 1 : all;
      checkPixels(format, width, height, pages, settings.maxPixels);
      return await readFrames(decoder, format, header, pages);
    });
  } finally {
    decoder.close();
  }
}

/** What a browser gives only after a conversion of its own is refused: the numbers would be others than elsewhere. */
function checkSamples(format: ImageFormat, { components, bits }: ImageHeader, { grey16 }: DecodeSettings): void {
  const where = `${format}: in a browser, `;
  if (components === 4) throw new ProcessorError("image-unsupported", `${where}CMYK is not read; convert it to RGB`);
  if (bits === 16 && grey16 === "clip")
    throw new ProcessorError("image-unsupported", `${where}16 bits are read by their high byte, not clipped`);
}

async function readFrames(decoder: ImageDecoder, format: ImageFormat, header: ImageHeader, pages: number) {
  const frames: RgbImage[] = [];
  const delays: number[] = [];
  for (let frameIndex = 0; frameIndex < pages; frameIndex++) {
    const { image } = await decoder.decode({ frameIndex });
    try {
      frames.push(await readFrame(image, format, header));
      // Microseconds.
      delays.push((image.duration ?? 0) / 1000);
    } finally {
      image.close();
    }
  }
  return pages > 1 ? { frames, delays } : { frames };
}

async function readFrame(frame: VideoFrame, format: ImageFormat, { width, height }: ImageHeader): Promise<RgbImage> {
  const rgba = new Uint8Array(frame.allocationSize({ format: "RGBA" }));
  if (rgba.length !== width * height * 4)
    throw new ProcessorError("image-corrupt", `${format}: decoded to another size than its header says`);
  await frame.copyTo(rgba, { format: "RGBA" });
  for (let i = 3; i < rgba.length; i += 4)
    if (rgba[i] !== 255)
      throw new ProcessorError(
        "image-unsupported",
        `${format}: in a browser, pictures with transparency are not read; save it without an alpha channel`,
      );
  return { data: toRgb(rgba, width, height, 4), width, height };
}

async function guarded<T>(format: ImageFormat, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    if (cause instanceof ProcessorError) throw cause;
    const { name, message } = cause as Error;
    throw new ProcessorError(
      name === "NotSupportedError" ? "image-unsupported" : "image-corrupt",
      `${format}: the file is truncated, broken or of an unsupported kind (${message})`,
      { cause },
    );
  }
}
