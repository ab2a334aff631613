import { ProcessorError } from "../errors.js";
import type { RgbImage } from "../image/rgb.js";
import { ybrToRgb } from "./codec/ybr.js";
import type { PixelLayout } from "./layout.js";
import type { Modality } from "./modality.js";
import type { StoredFrame, StoredSamples } from "./stored.js";
import { toByte, type Voi } from "./voi.js";

type Render = (stored: number) => number;

/** A grey frame through modality and VOI, MONOCHROME1 inverted, as RGB of three equal samples. */
export function renderGrey({ samples }: StoredFrame, layout: PixelLayout, { value }: Modality, voi: Voi): RgbImage {
  const white = layout.photometric === "MONOCHROME1" ? 255 : 0;
  const render: Render = (stored) => Math.abs(white - toByte(voi(value(stored))));
  const grey = tabulated(samples, render);
  const data = new Uint8Array(samples.length * 3);
  for (let i = 0, to = 0; i < samples.length; i++, to += 3) data[to] = data[to + 1] = data[to + 2] = grey(samples[i]!);
  return { data, width: layout.columns, height: layout.rows };
}

/** A function of samples, from a table where they have at most 16 bits and are more than the table has. */
function tabulated(samples: StoredSamples, render: Render): Render {
  const size = samples instanceof Float32Array || samples instanceof Float64Array ? 8 : samples.BYTES_PER_ELEMENT;
  if (size > 2 || samples.length < 2 ** (8 * size)) return render;
  const count = 2 ** (8 * size);
  const low = samples instanceof Int8Array || samples instanceof Int16Array ? -count / 2 : 0;
  const table = Uint8Array.from({ length: count }, (_, i) => render(low + i));
  return (stored) => table[stored - low]!;
}

/**
 * A colour frame: YBR turned into RGB, of more than 8 bits the high 8. It is never windowed.
 * @throws ProcessorError `dicom-unsupported`.
 */
export function renderRgb({ samples, colour }: StoredFrame, layout: PixelLayout): RgbImage {
  const { columns: width, rows: height, bitsStored } = layout;
  if (bitsStored < 8) throw new ProcessorError("dicom-unsupported", `colour of ${bitsStored} bits is not read`);
  const rgb = samples instanceof Uint8Array ? samples : Uint8Array.from(samples, (v) => v >>> (bitsStored - 8));
  return { data: colour === "rgb" ? rgb : ybrToRgb(rgb), width, height };
}
