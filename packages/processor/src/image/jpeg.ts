import type { ImageDecoder } from "./decoder.js";

/**
 * Reads JPEG everywhere, to the pixels of libjpeg-turbo, which Pillow and `sharpDecoder` run on: a browser's own decoder gives
 * others at the edges of colours. Its code is loaded with the first file.
 */
export const jpegDecoder: ImageDecoder = {
  name: "jpeg",
  formats: ["jpeg"],
  decode: async (bytes, _format, settings) => (await import("./jpeg/decode.js")).decodeJpegPicture(bytes, settings),
};
