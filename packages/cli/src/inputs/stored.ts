import { type ImageFormat, ProcessorError, type RgbImage } from "@hulu/processor";
import sharp from "sharp";
import type { Samples } from "./facts.js";
import { storedGif } from "./stored-gif.js";
import { pngFrames, type StoredSamples, storedPng } from "./stored-png.js";

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
  if (image.grey16 !== undefined) return plane(image.grey16);
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
function eightBit(png: ReturnType<typeof storedPng>): StoredSamples {
  const { samples, bits, colour } = png;
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
  if (format === "png") return pngFrames(bytes);
  if (format === "bmp") return 1;
  return (await sharp(bytes, { limitInputPixels: false }).metadata()).pages ?? 1;
}
