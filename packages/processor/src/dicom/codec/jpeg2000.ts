import {
  type CodecFrame,
  checkShape,
  checkWasmSize,
  colourOf,
  corrupt,
  type PixelFormat,
  unread,
  withSign,
} from "./format.js";
import { type Codestream, parseCodestream } from "./jpeg2000-header.js";
import { wasmCodec } from "./wasm/host.js";
import type { OpenJpeg } from "./wasm/openjpeg.js";

const openjpeg = wasmCodec<OpenJpeg>(() => import("./wasm/openjpeg.js"));

/** It warns where it goes on without data, or beside the rules; these warnings are of what changes no sample. */
const HARMLESS = /TPsot==TNsot|Expected SOP marker|Unknown marker|TLM/;
const failed = (line: string) => /^\[(?:ERROR|WARNING)\]/.test(line) && !HARMLESS.test(line);
const NOT_READ = /We do not support|bits are not enough|unsupported bpno|Unsupported Mixed HT/;

/** The end marker, EOC. */
const END = [0xff, 0xd9];

/**
 * JPEG 2000 part 1 and High-Throughput JPEG 2000 (part 15), up to 16 bits, by OpenJPEG. Sign and precision are the
 * codestream's: where its sign is not the file's, the bits are kept and read as the file says, as pydicom does.
 * Source: ISO/IEC 15444-1, 15444-15; DICOM PS3.5 8.2.4, A.4.4, A.4.10.
 * @throws ProcessorError `dicom-corrupt`, `dicom-transfer-syntax` (what the codec does not read), `dicom-codec-missing`,
 * `dicom-too-large`.
 */
export async function decodeJpeg2000(encoded: Uint8Array, format: PixelFormat): Promise<CodecFrame> {
  const colour = colourOf(format);
  const stream = parseCodestream(encoded);
  checkShape("JPEG 2000", stream, format);
  checkWasmSize("JPEG 2000", format);
  const values = await openjpeg.run((codec, said) => decode(codec, said, stream));
  if (stream.signed)
    for (let i = 0, top = 2 ** (stream.precision - 1); i < values.length; i++) values[i] = values[i]! ^ top;
  return { samples: withSign(values, stream.precision, format.signed), colour };
}

/**
 * Samples as numbers without sign: the codestream is given to the codec with its sign bits cleared, because its wrapper
 * clips signed samples of 8 bits. All that the sign changes is an offset of half the range.
 */
function decode({ J2KDecoder }: OpenJpeg, said: readonly string[], stream: Codestream): Uint8Array | Uint16Array {
  const decoder = new J2KDecoder();
  try {
    const buffer = decoder.getEncodedBuffer(stream.bytes.length + END.length);
    buffer.set(stream.bytes);
    buffer.set(END, stream.bytes.length);
    for (const at of stream.signAt) buffer[at]! &= 0x7f;
    decoder.decode();
    if (said.some((line) => NOT_READ.test(line)))
      throw unread("JPEG 2000: the codestream uses what the codec does not read");
    const { width, height, componentCount } = decoder.getFrameInfo();
    if (width !== stream.columns || height !== stream.rows || componentCount !== stream.samples || said.some(failed))
      throw corrupt("JPEG 2000: the codestream is broken or cut");
    const length = width * height * componentCount;
    const decoded = decoder.getDecodedBuffer();
    const wide = stream.precision > 8;
    if (decoded.length !== length * (wide ? 2 : 1)) throw corrupt("JPEG 2000: the codec gave too few samples");
    const bytes = new Uint8Array(decoded);
    return wide ? new Uint16Array(bytes.buffer) : bytes;
  } finally {
    decoder.delete();
  }
}
