import { type ImageFormat, ProcessorError, type RgbImage } from "@hulu/processor";
import sharp from "sharp";
import type { Samples } from "./facts.js";
import { storedGif } from "./stored-gif.js";
import { pngHeader, type StoredPng, type StoredSamples, storedPng } from "./stored-png.js";

interface Native {
  readonly samples: Samples;
  readonly shape: readonly number[];
  readonly channels: number;
}

/** The samples that `numpy.asarray(Image.open(f))` has, before any conversion to RGB. */
export async function nativeSamples(
  bytes: Uint8Array,
  image: RgbImage,
  format: ImageFormat,
  mode: unknown,
): Promise<Native> {
  const { width, height } = image;
  const plane = (samples: Samples): Native => ({ samples, shape: [height, width], channels: 1 });
  // With alpha beside it Pillow keeps the high byte alone.
  if (image.grey16 !== undefined && mode !== "RGBA") return plane(image.grey16);
  if (format === "png") return shaped(eightBit(storedPng(bytes)));
  if (format === "gif") return shaped(storedGif(bytes));
  // A grey picture is its own first channel, a black and white one too.
  if (mode === "L" || mode === "1") return plane(image.data.filter((_, i) => i % 3 === 0));
  if (mode === "RGB") return { samples: image.data, shape: [height, width, 3], channels: 3 };
  if (mode === "CMYK" || mode === "RGBA" || mode === "LA") return decodedBySharp(bytes, mode);
  throw new Error(`no rule is known for the stored samples of a ${format} of mode ${String(mode)}`);
}

const shaped = ({ samples, width, height, channels }: StoredSamples): Native => ({
  samples,
  shape: channels === 1 ? [height, width] : [height, width, channels],
  channels,
});

/** Pillow widens greys of few bits to 8, and cuts samples of 16 bits to their high byte unless they are grey alone. */
function eightBit(png: StoredPng): StoredSamples {
  const { samples, bits, colour } = png;
  if (bits === 16 && colour === 4) {
    const wide = Array.from({ length: samples.length / 2 }, (_, i) => [samples[2 * i]!, samples[2 * i + 1]!] as const);
    return {
      ...png,
      channels: 4,
      samples: Uint8Array.from(
        wide.flatMap(([v, a]) => [v, v, v, a]),
        (v) => v >> 8,
      ),
    };
  }
  if (bits === 16) return { ...png, samples: Uint8Array.from(samples, (v) => v >> 8) };
  if (bits === 8 || colour === 3) return png;
  return { ...png, samples: samples.map((v) => (v * 255) / (2 ** bits - 1)) as Uint8Array };
}

async function decodedBySharp(bytes: Uint8Array, mode: "CMYK" | "RGBA" | "LA"): Promise<Native> {
  const opened = sharp(bytes, { ignoreIcc: true });
  const kept = mode === "CMYK" ? opened.pipelineColourspace("cmyk").toColourspace("cmyk") : opened;
  const { data, info } = await kept.raw().toBuffer({ resolveWithObject: true });
  return { samples: data, shape: [info.height, info.width, info.channels], channels: info.channels };
}

/** The samples of a picture of 16 bits and several channels. */
export function native16Samples(bytes: Uint8Array, format: ImageFormat): StoredSamples {
  const png = format === "png" ? storedPng(bytes) : undefined;
  if (png?.bits !== 16) throw new ProcessorError("image-unsupported", `${format}: there are no samples of 16 bits`);
  return png;
}

/** What Pillow calls such a picture; undefined where that takes more than the header of a usual one. */
export async function modeOf(bytes: Uint8Array, format: ImageFormat): Promise<string | undefined> {
  if (format === "gif") return storedGif(bytes).grey ? "L" : "P";
  if (format === "png") {
    const { bits, colour } = pngHeader(bytes);
    if (colour === 0) return bits === 16 ? "I;16" : bits === 1 ? "1" : "L";
    return new Map([
      [2, "RGB"],
      [3, "P"],
      [4, bits === 16 ? "RGBA" : "LA"],
      [6, "RGBA"],
    ]).get(colour);
  }
  if (format !== "jpeg" && format !== "webp") return undefined;
  const { channels } = await sharp(bytes, { limitInputPixels: false }).metadata();
  return new Map([
    [1, "L"],
    [3, "RGB"],
    [4, format === "jpeg" ? "CMYK" : "RGBA"],
  ]).get(channels ?? 0);
}

export const orientationOf = async (bytes: Uint8Array): Promise<number> =>
  // A format that sharp does not read (BMP) has none.
  sharp(bytes)
    .metadata()
    .then(
      ({ orientation }) => orientation ?? 1,
      () => 1,
    );

/** Pictures in a file that is no GIF. */
export async function pagesOf(bytes: Uint8Array, format: ImageFormat): Promise<number> {
  if (format === "png") return pngHeader(bytes).frames;
  if (format === "bmp") return 1;
  return (await sharp(bytes, { limitInputPixels: false }).metadata()).pages ?? 1;
}
