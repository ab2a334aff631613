import { type CodecFrame, checkShape, checkWasmSize, colourOf, corrupt, type PixelFormat, withSign } from "./format.js";
import { readLsHeader } from "./jpeg-ls-header.js";
import type { CharLs } from "./wasm/charls.js";
import { wasmCodec } from "./wasm/host.js";

const charls = wasmCodec<CharLs>(() => import("./wasm/charls.js"));

/**
 * JPEG-LS, lossless and near-lossless, 2 to 16 bits, in all interleave modes, by CharLS. The bitstream knows no sign: that
 * of the file is given to the lowest bits, as many as its precision.
 * Source: ISO/IEC 14495-1; DICOM PS3.5 8.2.3.
 * @throws ProcessorError `dicom-corrupt`, `dicom-codec-missing`, `dicom-too-large`, `dicom-transfer-syntax` (colour).
 */
export async function decodeJpegLs(encoded: Uint8Array, format: PixelFormat): Promise<CodecFrame> {
  const colour = colourOf(format);
  const stream = readLsHeader(encoded);
  checkShape("JPEG-LS", stream, format);
  checkWasmSize("JPEG-LS", format);
  const values = await charls.run((codec) => {
    const decoder = new codec.JpegLSDecoder();
    try {
      decoder.getEncodedBuffer(encoded.length).set(encoded);
      decoder.decode();
      const bytes = new Uint8Array(decoder.getDecodedBuffer());
      const decoded = stream.precision > 8 ? new Uint16Array(bytes.buffer) : bytes;
      if (decoded.length !== format.rows * format.columns * format.samples)
        throw corrupt("JPEG-LS: the codec gave another number of samples");
      return decoder.getInterleaveMode() === 0 ? interleaved(decoded, format.samples) : decoded;
    } finally {
      decoder.delete();
    }
  });
  return { samples: withSign(values, stream.precision, format.signed), colour };
}

/** [sample][pixel] as [pixel][sample]. */
function interleaved<Values extends Uint8Array | Uint16Array>(planes: Values, samples: number): Values {
  if (samples === 1) return planes;
  const pixels = planes.length / samples;
  const out = planes.slice() as Values;
  for (let s = 0; s < samples; s++) for (let i = 0; i < pixels; i++) out[i * samples + s] = planes[s * pixels + i]!;
  return out;
}
