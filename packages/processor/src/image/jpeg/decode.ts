import { readJpeg } from "../../dicom/codec/jpeg/decode.js";
import { ProcessorError } from "../../errors.js";
import { checkPixels, type DecodedFrames, type DecodeSettings } from "../decoder.js";
import { toRgb } from "../rgb.js";
import { cmykToRgb, colourOfJpeg, yccToRgb } from "./colour.js";

/**
 * A JPEG file as RGB. No profile, no EXIF orientation.
 * @throws ProcessorError `image-corrupt`, `image-too-large`, `image-unsupported` (12 bits, lossless, arithmetic coding).
 */
export function decodeJpegPicture(bytes: Uint8Array, { maxPixels }: DecodeSettings): DecodedFrames {
  const { frame, tables, place } = named(() =>
    readJpeg(bytes, ({ columns, rows, precision, coding, samples }) => {
      checkPixels("jpeg", columns, rows, 1, maxPixels);
      if (precision !== 8 || coding === "lossless" || samples === 2 || samples > 4)
        throw new ProcessorError("image-unsupported", `jpeg: ${samples} samples of ${precision} bits are not read so`);
    }),
  );
  const colour = colourOfJpeg(frame, tables);
  if (colour === undefined) throw new ProcessorError("image-corrupt", "jpeg: Adobe's colour transform is unknown");
  const { columns: width, rows: height, samples } = frame;
  const values = new Uint8Array(width * height * samples);
  place(values);
  const clamped = new Uint8ClampedArray(values.buffer);
  if (colour === "ycc") yccToRgb(clamped, 3);
  if (colour === "ycck") yccToRgb(clamped, 4);
  // In YCCK, it is the inks' opposite that was turned into YCbCr.
  if (colour === "ycck") for (let i = 0; i < values.length; i++) if ((i & 3) !== 3) values[i] = 255 - values[i]!;
  // Adobe writes inks as light: 0 is full ink. So do those who write no marker, as Pillow takes it.
  if (samples === 4) return { frames: [{ data: cmykToRgb(values.map((v) => 255 - v)), width, height }] };
  return { frames: [{ data: toRgb(values, width, height, samples), width, height }] };
}

/** The codec serves DICOM files, and speaks of them. */
function named<T>(run: () => T): T {
  try {
    return run();
  } catch (cause) {
    if (!(cause instanceof ProcessorError) || cause.code.startsWith("image-")) throw cause;
    const code = cause.code === "dicom-transfer-syntax" ? "image-unsupported" : "image-corrupt";
    throw new ProcessorError(code, cause.message.replace(/^JPEG/, "jpeg"), { cause });
  }
}
