import { countOf, type WeightSource } from "@hulu/core";
import { pack, scalesPerRow, wordsPerRow } from "@hulu/kernels";
import { storageAsStored, type WeightLayout } from "./weight-layout.js";

const WORD = 4;
/** Bytes that are read at a time where they are passed on as they are, and that a device may have before it. */
export const PIECE = 16 * 2 ** 20;
/** Numbers that are read at a time where each is looked at: a few milliseconds' work. */
const CONVERTED = 2 ** 19;
/** How long, in milliseconds, the event loop may wait. */
const PATIENCE = 8;

/** Rows of a weight as the device shall hold them. */
export interface WeightPiece {
  readonly words: Uint8Array;
  /** Where they go, in bytes. */
  readonly at: number;
  readonly scales: Uint8Array;
  readonly scalesAt: number;
}

const NOTHING = new Uint8Array(0);

/** A weight in pieces of whole rows; each may be forgotten when the next is asked for. */
export async function* pieces(
  layout: WeightLayout,
  source: WeightSource,
  signal?: AbortSignal,
): AsyncGenerator<WeightPiece> {
  const { path, storage, width, stored } = layout;
  const { step, perStep } = readingSteps(layout);
  const [first = 0] = stored.shape;
  const [wordBytes, scaleBytes] = [wordsPerRow(storage, width) * WORD, scalesPerRow(storage, width) * WORD];
  let row = 0;
  let looped = performance.now();
  for (let from = 0; from < (step === undefined ? 1 : first); from += step ?? 1) {
    const to = step === undefined ? first : Math.min(first, from + step);
    const options = { ...(step !== undefined && { rows: [from, to] as const }), ...(signal && { signal }) };
    const rows = step === undefined ? layout.rows : ((to - from) * perStep) / width;
    const at = { at: row * wordBytes, scalesAt: row * scaleBytes };
    if (passes(layout)) yield { ...at, words: await source.read(path, options), scales: NOTHING };
    else {
      const { words, scales } = await converted(layout, rows, source, options);
      yield { ...at, words: bytesOf(words), scales: bytesOf(scales) };
    }
    row += rows;
    if (performance.now() - looped < PATIENCE) continue;
    await turnOfTheLoop();
    looped = performance.now();
  }
}

/** The most bytes of a weight that are given to the device at a time. */
export function largestPiece(layout: WeightLayout): number {
  const { step, perStep } = readingSteps(layout);
  const { rows, width, bytes, scaleBytes, stored } = layout;
  if (step === undefined || rows === 0) return bytes + scaleBytes;
  const most = (Math.min(step, stored.shape[0]!) * perStep) / width;
  return ((bytes + scaleBytes) / rows) * most;
}

/** Whether the stored bytes are what the device shall hold. */
const passes = ({ stored, storage, width }: WeightLayout): boolean =>
  storageAsStored(stored) === storage && (storage === "f32" ? stored.dtype === "F32" : width % 2 === 0);

/**
 * How many rows of the source, `perStep` numbers each, are read at a time; undefined where it must be all of them at once,
 * since no smaller number of them makes whole rows of the layout.
 */
function readingSteps(layout: WeightLayout): { readonly step: number | undefined; readonly perStep: number } {
  const { stored, storage, width } = layout;
  const [first, ...rest] = stored.shape;
  const perStep = countOf(rest);
  if (first === undefined || perStep === 0 || width === 0) return { step: undefined, perStep };
  const unit = perStep % width === 0 ? 1 : width % perStep === 0 ? width / perStep : undefined;
  if (unit === undefined) return { step: undefined, perStep };
  const numbers = passes(layout) ? PIECE / (storage === "f32" ? WORD : WORD / 2) : CONVERTED;
  return { step: unit * Math.max(1, Math.floor(numbers / (unit * perStep))), perStep };
}

type ReadOptions = NonNullable<Parameters<WeightSource["floats"]>[1]>;

async function converted(
  { path, storage, width }: WeightLayout,
  rows: number,
  source: WeightSource,
  options: ReadOptions,
): Promise<{ readonly words: Uint32Array; readonly scales: Float32Array }> {
  return pack(storage, await source.floats(path, options), rows, width);
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Uint32Array | Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** Let everything else run that waits. Not by a timer, which a page's browser holds back for four milliseconds. */
function turnOfTheLoop(): Promise<void> {
  return new Promise((resume) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resume();
    };
    port2.postMessage(undefined);
  });
}
