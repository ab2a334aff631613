import type { Component } from "./layout.js";

/**
 * Brings a component to the picture's size, into `out` at `out[sample + samples * pixel]`. Chroma of half width or height
 * is interpolated as libjpeg-turbo does it ("fancy"), other factors and lossless frames repeat their samples.
 */
export function placeComponent(
  component: Component,
  out: Uint8Array | Uint16Array,
  sample: number,
  samples: number,
  columns: number,
  rows: number,
  interpolate: boolean,
): void {
  const { widen, heighten, width } = component;
  const rowOf = interpolate && widen <= 2 && heighten <= 2 && (widen === 1 || width > 2) ? smoothRow : repeatedRow;
  const line = new Int32Array(Math.max(columns + 1, 2 * width));
  for (let y = 0; y < rows; y++) {
    rowOf(component, y, line);
    let to = y * columns * samples + sample;
    for (let x = 0; x < columns; x++, to += samples) out[to] = line[x]!;
  }
}

function repeatedRow({ plane, stride, widen, heighten, width }: Component, y: number, line: Int32Array): void {
  const from = Math.floor(y / heighten) * stride;
  if (widen === 1) for (let x = 0; x < width; x++) line[x] = plane[from + x]!;
  else for (let x = 0; x < line.length; x++) line[x] = plane[from + Math.min(width - 1, Math.floor(x / widen))]!;
}

/** Triangle filter: 3/4 of the nearer and 1/4 of the farther sample, with libjpeg's roundings. */
function smoothRow(component: Component, y: number, line: Int32Array): void {
  const { widen, heighten } = component;
  if (heighten === 1) {
    if (widen === 1) repeatedRow(component, y, line);
    else widenRow(component, y, line);
    return;
  }
  const { plane, stride, width, height } = component;
  const near = y >> 1;
  const lower = (y & 1) === 1;
  const far = Math.min(height - 1, Math.max(0, lower ? near + 1 : near - 1));
  const sum = (x: number) => 3 * plane[near * stride + x]! + plane[far * stride + x]!;
  if (widen === 1) {
    const bias = lower ? 2 : 1;
    for (let x = 0; x < width; x++) line[x] = (sum(x) + bias) >> 2;
    return;
  }
  for (let x = 0; x < width; x++) {
    const here = sum(x);
    line[2 * x] = x === 0 ? (4 * here + 8) >> 4 : (3 * here + sum(x - 1) + 8) >> 4;
    line[2 * x + 1] = x === width - 1 ? (4 * here + 7) >> 4 : (3 * here + sum(x + 1) + 7) >> 4;
  }
}

function widenRow({ plane, stride, width }: Component, y: number, line: Int32Array): void {
  const from = y * stride;
  for (let x = 0; x < width; x++) {
    const here = plane[from + x]!;
    line[2 * x] = x === 0 ? here : (3 * here + plane[from + x - 1]! + 1) >> 2;
    line[2 * x + 1] = x === width - 1 ? here : (3 * here + plane[from + x + 1]! + 2) >> 2;
  }
}
