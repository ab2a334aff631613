import { ProcessorError } from "../errors.js";
import { checkPixels, type DecodedFrames, type DecodeSettings, type Grey16Rule, type ImageDecoder } from "./decoder.js";
import { checkGif } from "./gif.js";
import { readHeader } from "./header.js";
import { type RgbImage, toRgb } from "./rgb.js";
import type { ImageFormat } from "./sniff.js";

type Sharp = typeof import("sharp").default;

/** Reads PNG, JPEG, WebP, GIF and TIFF in Node through sharp (libvips), an optional peer that is loaded on first use. */
export const sharpDecoder: ImageDecoder = { name: "sharp", formats: ["png", "jpeg", "webp", "gif", "tiff"], decode };

async function decode(bytes: Uint8Array, format: ImageFormat, settings: DecodeSettings): Promise<DecodedFrames> {
  const sharp = await loadSharp();
  if (format === "gif") checkGif(bytes);
  // sharp takes the size of a large GIF from its first picture, whatever the screen is said to be.
  const screen = format === "gif" ? readHeader(bytes, format) : undefined;
  if (screen !== undefined) checkPixels(format, screen.width, screen.height, 1, settings.maxPixels);
  // sharp's own limit is lifted for the header only: the check below is the one that holds, and says which limit it was.
  const header = await guarded(format, () => sharp(bytes, { limitInputPixels: false }).metadata());
  const width = header.width;
  const height = header.pageHeight ?? header.height;
  const pages = settings.firstOnly || format !== "gif" ? 1 : (header.pages ?? 1);
  checkPixels(format, width, height, pages, settings.maxPixels);
  if (screen !== undefined && (screen.width !== width || screen.height !== height))
    throw new ProcessorError("image-corrupt", `${format}: its pictures are of another size than its header says`);

  const open = () => sharp(bytes, { limitInputPixels: settings.maxPixels, failOn: "warning", ignoreIcc: true, pages });
  if (header.space === "cmyk") return { frames: [await guarded(format, () => cmyk(open()))] };
  if (header.space === "grey16") return { frames: [await guarded(format, () => grey16(open(), settings.grey16))] };
  const { data, info } = await guarded(format, () => open().raw().toBuffer({ resolveWithObject: true }));
  if (info.width !== width || info.height !== height * pages) {
    throw new ProcessorError("image-corrupt", `${format}: decoded to another size than its header says`);
  }
  const size = width * height * info.channels;
  const frames = Array.from({ length: pages }, (_, i) => {
    return { data: toRgb(data.subarray(i * size, (i + 1) * size), width, height, info.channels), width, height };
  });
  return pages > 1 && header.delay ? { frames, delays: header.delay } : { frames };
}

async function loadSharp(): Promise<Sharp> {
  try {
    // Under a name that bundlers cannot follow: it is for Node alone, and need not be there.
    const name: string = "sharp";
    return (await import(/* webpackIgnore: true */ /* @vite-ignore */ name)).default as Sharp;
  } catch (cause) {
    const message = "reading PNG, JPEG, WebP, GIF and TIFF needs the optional package sharp: npm install sharp";
    throw new ProcessorError("image-decoder-missing", message, { cause });
  }
}

async function guarded<T>(format: ImageFormat, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split("\n")[0] : "unknown";
    const unsupported = /unsupported|not supported/i.test(reason ?? "");
    throw new ProcessorError(
      unsupported ? "image-unsupported" : "image-corrupt",
      `${format}: the file is truncated, broken or of an unsupported kind (${reason})`,
      { cause },
    );
  }
}

/** Pillow's CMYK to RGB: `(255 - k) - mulDiv255(ink, 255 - k)`, no colour profile. */
async function cmyk(image: ReturnType<Sharp>): Promise<RgbImage> {
  const raw = image.pipelineColourspace("cmyk").toColourspace("cmyk").raw();
  const { data, info } = await raw.toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const out = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const white = 255 - data[i * channels + 3]!;
    for (let c = 0; c < 3; c++) {
      const t = data[i * channels + c]! * white + 128;
      out[i * 3 + c] = white - (((t >> 8) + t) >> 8);
    }
  }
  return { data: out, width, height };
}

async function grey16(image: ReturnType<Sharp>, rule: Grey16Rule): Promise<RgbImage> {
  const raw = image.toColourspace("grey16").raw({ depth: "ushort" });
  const { data, info } = await raw.toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const all = new Uint16Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.length));
  const stored = channels === 1 ? all : all.filter((_, i) => i % channels === 0);
  const out = new Uint8Array(width * height * 3);
  stored.forEach((v, i) => {
    out.fill(rule === "clip" ? Math.min(v, 255) : v >> 8, i * 3, i * 3 + 3);
  });
  return { data: out, width, height, grey16: stored };
}
