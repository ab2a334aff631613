import { Float, float } from "@hulu/processor";
import { EngineError } from "../error.js";
import type { SentSource } from "./protocol.js";

/** What is sent, and the buffers in it that change hands. */
export interface Packed<T = unknown> {
  readonly value: T;
  readonly transfer: readonly ArrayBuffer[];
}

/** A Python float crosses as an object with this one key; its class would be lost. */
const FLOAT = "@hulu/float";
/** A copy stops this often for other work on the thread: a part takes under a millisecond. */
const BYTES_AT_ONCE = 1024 ** 2;

/**
 * Copy what a caller gave for sending. Typed arrays are copied, a little at a time, and the copies transferred: the caller
 * keeps its own, and the thread is never held up. Blobs and shared memory are sent as they are.
 * @throws EngineError `worker-function` for a function, which no worker can be sent
 */
export async function pack<T>(given: T, name: string): Promise<Packed<T>> {
  const transfer: ArrayBuffer[] = [];
  const value = (await copy(given, name, transfer)) as T;
  return { value, transfer };
}

export const noFunction = (at: string, kind = "function") =>
  new EngineError(
    "worker-function",
    `${at} is a ${kind}, which cannot be sent to a worker; load the model with { worker: false }`,
  );

/** Levels of lists and objects; what holds itself has no end of them. */
const MOST_DEPTH = 64;

async function copy(x: unknown, at: string, transfer: ArrayBuffer[], depth = 0): Promise<unknown> {
  if (typeof x === "function" || typeof x === "symbol") throw noFunction(at, typeof x);
  if (typeof x !== "object" || x === null || x instanceof Blob) return x;
  if (x instanceof Float) return { [FLOAT]: x.value };
  if (ArrayBuffer.isView(x)) return copyView(x, transfer);
  if (depth === MOST_DEPTH)
    throw new EngineError("content-invalid", `${at.slice(0, 80)}... is nested more than ${MOST_DEPTH} deep`);
  if (Array.isArray(x)) {
    const items: unknown[] = [];
    for (const [i, item] of x.entries()) items.push(await copy(item, `${at}[${i}]`, transfer, depth + 1));
    return items;
  }
  const entries = x instanceof Map ? [...x] : Object.entries(x);
  const copied: [unknown, unknown][] = [];
  for (const [key, value] of entries)
    copied.push([key, await copy(value, `${at}.${String(key)}`, transfer, depth + 1)]);
  return x instanceof Map ? new Map(copied) : Object.fromEntries(copied as [string, unknown][]);
}

async function copyView(view: ArrayBufferView, transfer: ArrayBuffer[]): Promise<ArrayBufferView> {
  if (!(view.buffer instanceof ArrayBuffer)) return view;
  const from = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  const to = new Uint8Array(view.byteLength);
  for (let at = 0; at < from.length; at += BYTES_AT_ONCE) {
    if (at > 0) await new Promise((resume) => setTimeout(resume));
    to.set(from.subarray(at, at + BYTES_AT_ONCE), at);
  }
  transfer.push(to.buffer);
  return sameKind(view, to.buffer);
}

/** The same kind of array over other bytes; a Buffer of Node becomes what it is made of. */
function sameKind(view: ArrayBufferView, buffer: ArrayBuffer): ArrayBufferView {
  const tag = (view as { readonly [Symbol.toStringTag]?: string })[Symbol.toStringTag] ?? "Uint8Array";
  const kinds = { Uint8Array, Uint8ClampedArray, Int8Array, Uint16Array, Int16Array, Uint32Array, Int32Array };
  const more = { Float32Array, Float64Array, BigInt64Array, BigUint64Array, DataView };
  const Kind = { ...kinds, ...more }[tag as keyof typeof kinds] ?? Uint8Array;
  return new Kind(buffer);
}

/**
 * Undo on the other side what `pack` did to floats.
 * @param revive makes a source of what was sent for it
 */
export function unpack(x: unknown, revive?: (sent: SentSource) => unknown): unknown {
  if (typeof x !== "object" || x === null || x instanceof Blob || ArrayBuffer.isView(x)) return x;
  if (Array.isArray(x)) return x.map((item) => unpack(item, revive));
  if (x instanceof Map) return new Map([...x].map(([key, value]) => [key, unpack(value, revive)]));
  const value = (x as { readonly [FLOAT]?: unknown })[FLOAT];
  if (typeof value === "number") return float(value);
  if (revive && typeof (x as Partial<SentSource>)["@hulu/source"] === "number") return revive(x as SentSource);
  return Object.fromEntries(Object.entries(x).map(([key, item]) => [key, unpack(item, revive)]));
}

/** The buffers of what the worker gives back: it made them and keeps none. */
export function buffersOf(x: unknown, found: ArrayBuffer[] = []): readonly ArrayBuffer[] {
  if (ArrayBuffer.isView(x)) {
    if (x.buffer instanceof ArrayBuffer && x.byteLength === x.buffer.byteLength) found.push(x.buffer);
  } else if (typeof x === "object" && x !== null) for (const value of Object.values(x)) buffersOf(value, found);
  return found;
}
