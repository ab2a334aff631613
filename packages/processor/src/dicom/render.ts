import { ProcessorError } from "../errors.js";
import type { RgbImage } from "../image/rgb.js";
import { ybrToRgb } from "./codec/ybr.js";
import type { PixelLayout } from "./layout.js";
import type { Modality } from "./modality.js";
import type { StoredFrame, StoredSamples } from "./stored.js";
import { toByte, type Voi } from "./voi.js";

/** A grey frame through modality and VOI, MONOCHROME1 inverted, as RGB of three equal samples. */
export function renderGrey(
  { samples }: StoredFrame,
  layout: Pick<PixelLayout, "rows" | "columns" | "photometric">,
  { value }: Modality,
  voi: Voi,
): RgbImage {
  const white = layout.photometric === "MONOCHROME1" ? 255 : 0;
  const render = (stored: number) => Math.abs(white - toByte(voi(value(stored))));
  const data = new Uint8Array(samples.length * 3);
  const { low, table } = tabulate(samples, render);
  for (let i = 0, to = 0; i < samples.length; i++, to += 3) {
    const stored = samples[i]!;
    const grey = table ? table[stored - low]! : render(stored);
    data[to] = grey;
    data[to + 1] = grey;
    data[to + 2] = grey;
  }
  return { data, width: layout.columns, height: layout.rows };
}

/** A function of each sample there can be, from `low` on; no table where that is not worth it. */
function tabulate(samples: StoredSamples, render: (stored: number) => number): { low: number; table?: Uint8Array } {
  const count = 2 ** (8 * samples.BYTES_PER_ELEMENT);
  if (count > 2 ** 16 || samples.length < count) return { low: 0 };
  const low = samples instanceof Int8Array || samples instanceof Int16Array ? -count / 2 : 0;
  const table = new Uint8Array(count);
  for (let i = 0; i < count; i++) table[i] = render(low + i);
  return { low, table };
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
