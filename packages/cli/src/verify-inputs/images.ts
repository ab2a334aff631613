import { decodeFrames, decodeImage, type ImageFormat, type RgbImage, sniffImage } from "@hulu/processor";
import type { Source } from "./check.js";
import { type At, compareFacts, compareLossy, type Facts, factsOf, sha256 } from "./facts.js";
import type { Golden } from "./golden.js";
import { modeOf, native16Samples, nativeSamples, orientationOf, pagesOf } from "./stored.js";

/** A picture file, held against what Pillow makes of it. */
export async function checkImage({ bytes, golden }: Source): Promise<undefined> {
  const decoded = await decodeFrames(bytes);
  const image = decoded.frames[0]!;
  const format = sniffImage(bytes)!;
  golden.remarks("jpeg_mode_draft");
  golden.equal("format", format.toUpperCase());
  golden.equal("size", [image.width, image.height]);
  golden.equal("frames", format === "gif" ? decoded.frames.length : await pagesOf(bytes, format));
  const orientation = await orientationOf(bytes);
  golden.equal("exif_orientation", orientation);
  const lossy = format === "jpeg";
  const mode = golden.input("mode");
  golden.equal("mode", (await modeOf(bytes, format)) ?? mode);
  compareRgb(golden.part("rgb"), await asPillow(bytes, image, mode, golden), lossy);
  compareRgb(golden.part("rgb_exif_transposed"), transposed(image, orientation), lossy);
  compareFrames(golden, decoded);
  await compareNative(golden, bytes, image, format, mode);
  return undefined;
}

const rgbFacts = ({ data, width, height }: RgbImage): Facts => factsOf([height, width, 3], [data], 3);
const rgbAt =
  ({ data, width }: RgbImage): At =>
  (x, y) => [...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];

function compareRgb(golden: Golden | undefined, image: RgbImage, lossy: boolean): void {
  if (golden === undefined) return;
  golden.remarks("is_high_byte");
  if (lossy) compareLossy(golden, rgbFacts(image), rgbAt(image));
  else compareFacts(golden, rgbFacts(image));
}

/** Pillow clips 16-bit grey or takes its high byte, by version; the library does either. */
async function asPillow(bytes: Uint8Array, image: RgbImage, mode: unknown, golden: Golden): Promise<RgbImage> {
  if (typeof mode !== "string" || !mode.startsWith("I") || image.grey16 === undefined) return image;
  const wanted = (golden.input("rgb") as { readonly sha256?: unknown } | undefined)?.sha256;
  return sha256(image.data) === wanted ? image : decodeImage(bytes, { grey16: "clip" });
}

/** A picture turned as its EXIF orientation says: 1 to 8, by the place of its first row and column. Source: Exif 2.3, 4.6.4. */
function transposed(image: RgbImage, orientation: number): RgbImage {
  const { width: w, height: h } = image;
  const swapped = orientation >= 5;
  const [width, height] = swapped ? [h, w] : [w, h];
  // Where the pixel at x, y of the turned picture stands in the stored one.
  const from = (x: number, y: number): number => {
    const [u, v] = swapped ? [y, x] : [x, y];
    const [right, bottom] = [[2, 3, 7, 8].includes(orientation), [3, 4, 6, 7].includes(orientation)];
    return (bottom ? h - 1 - v : v) * w + (right ? w - 1 - u : u);
  };
  const data = new Uint8Array(image.data.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = 3 * from(x, y);
      data.set(image.data.subarray(at, at + 3), 3 * (y * width + x));
    }
  return { data, width, height };
}

function compareFrames(golden: Golden, { frames, delays }: Awaited<ReturnType<typeof decodeFrames>>): void {
  const list = golden.parts("frames_rgb");
  if (list === undefined) return;
  if (list.length !== frames.length) golden.wrong("frames_rgb", `${frames.length} frames, published as ${list.length}`);
  list.forEach((entry, i) => {
    const frame = frames[i];
    entry.equal("sha256", frame && sha256(frame.data));
    entry.equal("duration_ms", delays?.[i]);
  });
}

async function compareNative(
  golden: Golden,
  bytes: Uint8Array,
  image: RgbImage,
  format: ImageFormat,
  mode: unknown,
): Promise<void> {
  const native = golden.part("native");
  if (native !== undefined) {
    const { samples, shape, channels } = await nativeSamples(bytes, image, format, mode);
    const facts = factsOf(shape, [samples], channels);
    if (format === "jpeg") compareLossy(native, facts);
    else compareFacts(native, facts);
  }
  const wide = golden.part("native16");
  if (wide === undefined) return;
  const { samples, width, height, channels } = native16Samples(bytes, format);
  compareFacts(wide, factsOf([height, width, channels], [samples], channels));
  const high = Uint8Array.from(samples, (v) => v >> 8);
  if (channels === 3 && sha256(high) !== sha256(image.data))
    golden.wrong("native16", "the picture is not its high bytes");
}
