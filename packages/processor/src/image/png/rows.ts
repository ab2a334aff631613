import { corruptPng, type PngHeader } from "./chunks.js";

/** Every so many pixels of the picture, from one on: one of seven where it is interlaced, else the picture. */
export interface Pass {
  readonly width: number;
  readonly height: number;
  readonly x: number;
  readonly y: number;
  readonly stepX: number;
  readonly stepY: number;
}

/** Adam7. Source: PNG, 8.1. */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

export function passesOf({ width, height, interlaced }: PngHeader): Pass[] {
  const grids = interlaced ? ADAM7 : ([[0, 0, 1, 1]] as const);
  const passes = grids.map(([x, y, stepX, stepY]) => {
    const [across, down] = [Math.ceil((width - x) / stepX), Math.ceil((height - y) / stepY)];
    return { width: across, height: down, x, y, stepX, stepY };
  });
  return passes.filter((pass) => pass.width > 0 && pass.height > 0);
}

const SAMPLES = { grey: 1, palette: 1, "grey-alpha": 2, rgb: 3, rgba: 4 } as const;

export const samplesOf = ({ colour }: PngHeader): number => SAMPLES[colour];

/** Bytes of a row, without its filter. */
export const rowBytes = (header: PngHeader, width: number): number =>
  Math.ceil((width * samplesOf(header) * header.depth) / 8);

/**
 * Undoes a row's filter, in place.
 * Source: PNG, 9.2.
 * @param above the row above, already undone; zeros for the first
 * @param step bytes of a pixel, at least 1
 */
export function unfilter(filter: number, row: Uint8Array, above: Uint8Array, step: number): void {
  const { length } = row;
  switch (filter) {
    case 0:
      return;
    case 1:
      for (let i = step; i < length; i++) row[i] = row[i]! + row[i - step]!;
      return;
    case 2:
      for (let i = 0; i < length; i++) row[i] = row[i]! + above[i]!;
      return;
    case 3:
      for (let i = 0; i < length; i++) row[i] = row[i]! + (((i < step ? 0 : row[i - step]!) + above[i]!) >> 1);
      return;
    case 4:
      for (let i = 0; i < Math.min(step, length); i++) row[i] = row[i]! + above[i]!;
      for (let i = step; i < length; i++) row[i] = row[i]! + paeth(row[i - step]!, above[i]!, above[i - step]!);
      return;
    default:
      throw corruptPng("a row has an unknown filter");
  }
}

function paeth(left: number, above: number, corner: number): number {
  const guess = left + above - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - above), Math.abs(guess - corner)];
  return a <= b && a <= c ? left : b <= c ? above : corner;
}
