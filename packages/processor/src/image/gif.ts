import { ProcessorError } from "../errors.js";

const IMAGE = 0x2c;
const EXTENSION = 0x21;
const TRAILER = 0x3b;

/**
 * Walks the blocks of a GIF: decoders take a file that is cut in the middle of a picture for a whole one. A missing
 * trailer after a whole block is let pass.
 * Source: CompuServe, "Graphics Interchange Format, version 89a".
 * @returns how many pictures it holds
 * @throws ProcessorError `image-corrupt`.
 */
export function checkGif(bytes: Uint8Array): number {
  let pictures = 0;
  let at = 13 + colourTable(bytes[10]);
  while (at < bytes.length && bytes[at] !== TRAILER) {
    const kind = bytes[at];
    if (kind === IMAGE) {
      at = skipSubBlocks(bytes, at + 11 + colourTable(bytes[at + 9]));
      pictures++;
    } else if (kind === EXTENSION) at = skipSubBlocks(bytes, at + 2);
    else throw new ProcessorError("image-corrupt", "gif: a block of unknown kind");
  }
  return pictures;
}

/** Bytes of the colour table that a packed field announces. */
function colourTable(packed = 0): number {
  return packed & 0x80 ? 3 * 2 ** ((packed & 7) + 1) : 0;
}

function skipSubBlocks(bytes: Uint8Array, from: number): number {
  let at = from;
  for (;;) {
    const length = bytes[at];
    if (length === undefined) throw cut();
    at += length + 1;
    if (length === 0) return at;
  }
}

function cut(): ProcessorError {
  return new ProcessorError("image-corrupt", "gif: the file is cut in the middle of a block");
}
