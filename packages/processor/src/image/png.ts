import type { ImageDecoder } from "./decoder.js";

/**
 * Reads PNG everywhere, of all kinds, to the pixels that `sharpDecoder` gives: a page has no other way to colours under an
 * alpha channel. Its code is loaded with the first file.
 */
export const pngDecoder: ImageDecoder = {
  name: "png",
  formats: ["png"],
  decode: async (bytes, _format, settings) => (await import("./png/decode.js")).decodePng(bytes, settings),
};
