import { ProcessorError } from "../errors.js";
import type { RgbImage } from "../image/rgb.js";
import { type DataSet, someItems } from "./elements.js";
import { first } from "./frame-attributes.js";
import { type DicomHeader, frameAttributes } from "./header.js";
import { readLut } from "./lut.js";
import { type Modality, modality, type RescaleUsed, type ValueRange, valueRange } from "./modality.js";
import { readPalette, renderPalette } from "./palette.js";
import { renderGrey, renderRgb } from "./render.js";
import type { StoredFrame } from "./stored.js";
import { TAG } from "./tags.js";
import { lutVoi, minMaxVoi, type Voi, windowVoi } from "./voi.js";
import { chooseWindow, type WindowChoice, type WindowUsed } from "./window.js";

/** A frame as the model is shown it, and how it came about. */
export interface DicomPicture {
  readonly image: RgbImage;
  /** Undefined for colour, which is never windowed. */
  readonly window: WindowUsed | undefined;
  /** Undefined for colour. */
  readonly rescale: RescaleUsed | undefined;
  /** From 0. */
  readonly frame: number;
}

/** Makes pictures and values of decoded frames. @param stored decodes a frame: "min-max" reads all. */
export function painter(set: DataSet, header: DicomHeader, stored: (frame: number) => Promise<StoredFrame>) {
  const grey = header.photometric.startsWith("MONOCHROME");
  const palette = header.photometric === "PALETTE COLOR" ? readPalette(set, header.signed) : undefined;
  const luts = first(set, TAG.modalityLutSequence).map((item) => readLut(item, header.signed));
  const modalityOf = (frame: number) => modality(frameAttributes(header, frame).rescale, luts[0]);
  let range: Promise<ValueRange> | undefined;

  const fullRange = async (known: StoredFrame, at: number): Promise<ValueRange> => {
    let all: ValueRange | undefined;
    for (let frame = 0; frame < header.frames; frame++) {
      const { samples } = frame === at ? known : await stored(frame);
      const own = valueRange(samples, modalityOf(frame));
      all = all && own ? { min: Math.min(all.min, own.min), max: Math.max(all.max, own.max) } : (own ?? all);
    }
    return all ?? { min: 0, max: 0 };
  };

  const voiOf = async (
    choice: WindowChoice,
    decoded: StoredFrame,
    frame: number,
  ): Promise<{ voi: Voi; used: WindowUsed }> => {
    const { windows } = frameAttributes(header, frame);
    const used = chooseWindow(choice, { windows, luts: header.voiLuts, modality: header.modality });
    if (used === "min-max") {
      range ??= fullRange(decoded, frame);
      const { min, max } = await range;
      return { voi: minMaxVoi(min, max), used: { from: "min-max", min, max } };
    }
    if ("width" in used) return { voi: windowVoi(used.center, used.width, used.function), used };
    return { voi: lutVoi(voiLut(set, used.from.lut, header, modalityOf(frame))), used };
  };

  return {
    values({ samples }: StoredFrame, frame: number): Float64Array {
      if (!grey) throw new ProcessorError("dicom-unsupported", "values in the file's units are those of grey pictures");
      const { value } = modalityOf(frame);
      // Twenty times as fast as `Float64Array.from(samples, value)`.
      const values = new Float64Array(samples.length);
      for (let i = 0; i < values.length; i++) values[i] = value(samples[i]!);
      return values;
    },
    async pictures(decoded: StoredFrame, frame: number, windows: readonly WindowChoice[]): Promise<DicomPicture[]> {
      if (!grey) {
        const image = palette ? renderPalette(decoded, header, palette) : renderRgb(decoded, header);
        return [{ image, window: undefined, rescale: undefined, frame }];
      }
      const applied = modalityOf(frame);
      const pictures: DicomPicture[] = [];
      for (const choice of windows) {
        const { voi, used } = await voiOf(choice, decoded, frame);
        const image = renderGrey(decoded, header, applied, voi);
        pictures.push({ image, window: used, rescale: applied.used, frame });
      }
      return pictures;
    },
  };
}

/** Its first value is signed where the values can be negative and the file does not say. */
function voiLut(set: DataSet, index: number, { signed }: DicomHeader, { value }: Modality) {
  const item = someItems(set, TAG.voiLutSequence, index + 1)[index]!;
  return readLut(item, signed || value(0) < 0);
}
