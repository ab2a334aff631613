import type { VoiFunction } from "./frame-attributes.js";
import { type Lut, lookUp } from "./lut.js";

/** A value in the units of the file to a brightness of 0 to 255, not rounded. */
export type Voi = (value: number) => number;

/**
 * A window. Source: DICOM PS3.3 C.11.2.1.2.1 (LINEAR), C.11.2.1.3.2 (LINEAR_EXACT), C.11.2.1.3.1 (SIGMOID), in float64.
 * @param width at least 1 for LINEAR, above 0 for the others
 */
export function windowVoi(center: number, width: number, kind: VoiFunction): Voi {
  if (kind === "SIGMOID") return (x) => 255 / (1 + Math.exp((-4 * (x - center)) / width));
  const [c, w] = kind === "LINEAR" ? [center - 0.5, width - 1] : [center, width];
  const [low, high] = [c - w / 2, c + w / 2];
  return (x) => (x <= low ? 0 : x > high ? 255 : ((x - c) / w + 0.5) * 255);
}

/** All values from black to white; black where they are one. */
export const minMaxVoi = (min: number, max: number): Voi =>
  max > min ? (x) => ((Math.min(max, Math.max(min, x)) - min) / (max - min)) * 255 : () => 0;

/** A VOI LUT, its own range spread over 0 to 255. */
export function lutVoi(lut: Lut): Voi {
  const white = 2 ** lut.bits - 1;
  return (x) => Math.min(255, (lookUp(lut, x) / white) * 255);
}

/** Round half up, as the goldens do. What is no number is black. */
export const toByte = (y: number): number => Math.min(255, Math.max(0, Math.floor(y + 0.5))) || 0;
