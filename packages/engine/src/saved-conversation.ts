import { type ArchiveTensor, readArchive, resultOnHost, type Session, writeArchive } from "@hulu/core";
import type { Message } from "./content.js";
import { EngineError } from "./error.js";
import { type Identities, Prefix, rowIdentity } from "./prefix.js";
import { parseState, type SavedState, type SavedVisual, stateOf } from "./saved-state.js";
import { hasSha256, hex, sha256 } from "./sha256.js";
import { VisualStore } from "./visual-store.js";

// A saved conversation is one safetensors file: the session's own bytes, the rows of each visual input, and in the metadata
// what was said and what stands at each position, as JSON. A SHA-256 over all of it finds what was damaged.

const FORMAT = "hulu-conversation";
const VERSION = "1";
const SESSION = "session";
const visualName = (i: number): string => `visual.${i}`;

/** What a conversation is made of again. */
export interface Restored {
  readonly messages: readonly Message[];
  readonly prefix: Prefix;
  readonly visuals: VisualStore;
}

/** @param messages visual parts already replaced by what stands for them */
export async function writeSaved(
  messages: readonly Message[],
  { session, held }: Prefix,
  visuals: VisualStore,
): Promise<Uint8Array> {
  needSha256();
  const entries = [...visuals.all()];
  const saved: SavedVisual[] = entries.map(({ key, keep }) => ({ key, keep }));
  const bytes = await session.save();
  const tensors: ArchiveTensor[] = [{ name: SESSION, shape: [Math.ceil(bytes.length / 4)], data: asWords(bytes) }];
  for (const [i, { parts, rows }] of entries.entries()) {
    const width = parts[0]?.shape[1] ?? 0;
    const data = new Float32Array(rows * width);
    let at = 0;
    for (const part of parts) {
      data.set((await part.read()) as Float32Array, at);
      at += (part.shape[0] ?? 0) * width;
    }
    tensors.push({ name: visualName(i), shape: [rows, width], data });
  }
  const state = stateOf({ messages, held: renumbered(held, entries), visuals: saved, sessionBytes: bytes.length });
  return writeArchive(tensors, { format: FORMAT, version: VERSION, state, digest: await digestOf(state, tensors) });
}

/** Row numbers as if the visual inputs had been encoded one after another, nothing before or between. */
function renumbered(held: Identities, entries: Iterable<{ readonly first: number; readonly rows: number }>): number[] {
  const numbers = new Map<number, number>();
  for (const { first, rows } of entries)
    for (let i = 0; i < rows; i++) numbers.set(rowIdentity(first + i), rowIdentity(numbers.size));
  return held.map((identity) => (identity < 0 ? numbers.get(identity)! : identity));
}

/**
 * @param width of the decoder, which visual rows have
 * @param open makes a session of its bytes
 * @throws EngineError `saved-invalid` for anything that `writeSaved` did not write; what `open` throws for another model's
 */
export async function readSaved(
  bytes: Uint8Array,
  width: number,
  open: (session: Uint8Array) => Session,
): Promise<Restored> {
  needSha256();
  const { metadata, tensors } = archiveOf(bytes);
  const version = metadata.get("version");
  if (metadata.get("format") !== FORMAT) throw damaged("it is another file");
  if (version !== VERSION) throw damaged(`it is of version ${version?.slice(0, 20)}, and ${VERSION} can be read`);
  const text = metadata.get("state") ?? "";
  if ((await digestOf(text, [...tensors.values()])) !== metadata.get("digest")) throw damaged();
  const state = parseState(text);
  if (state === undefined) throw damaged();
  const words = tensors.get(SESSION);
  if (words?.data.length !== Math.ceil(state.sessionBytes / 4)) throw damaged();
  // First of all it is told whether this is another model's.
  const session = open(new Uint8Array(words.data.buffer, words.data.byteOffset, state.sessionBytes));
  try {
    if (tensors.size !== state.visuals.length + 1 || session.length !== state.held.length) throw damaged();
    const visuals = restoreVisuals(state, tensors, width);
    return { messages: state.messages, prefix: new Prefix(session, state.held), visuals };
  } catch (error) {
    session.dispose();
    throw error;
  }
}

function archiveOf(bytes: Uint8Array): ReturnType<typeof readArchive> {
  try {
    return readArchive(bytes);
  } catch (cause) {
    throw damaged(undefined, cause);
  }
}

function restoreVisuals(state: SavedState, tensors: ReadonlyMap<string, ArchiveTensor>, width: number): VisualStore {
  const store = new VisualStore();
  let rows = 0;
  for (const [i, { key, keep }] of state.visuals.entries()) {
    const count = keep.reduce((n, k) => n + k, 0);
    const tensor = tensors.get(visualName(i));
    const fits = tensor?.shape.join(" ") === `${count} ${count === 0 ? 0 : width}`;
    if (tensor === undefined || !fits || store.get(key)) throw damaged();
    const { shape, data } = tensor;
    store.add(key, { keep, visual: count === 0 ? [] : [resultOnHost({ dtype: "f32", shape, data })] });
    rows += count;
  }
  // Identities of rows that are not there would one day be taken for those of a new picture.
  if (state.held.some((identity) => identity < rowIdentity(rows - 1))) throw damaged();
  return store;
}

async function digestOf(state: string, tensors: readonly ArchiveTensor[]): Promise<string> {
  const digests = [await sha256(new TextEncoder().encode(state))];
  for (const { name, shape, data } of tensors) {
    digests.push(await sha256(new TextEncoder().encode(JSON.stringify([name, shape]))));
    digests.push(await sha256(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)));
  }
  const all = new Uint8Array(digests.length * 32);
  for (const [i, digest] of digests.entries()) all.set(digest, i * 32);
  return hex(await sha256(all));
}

/** Bytes as the numbers that an archive holds, zeros behind them up to a whole one. */
function asWords(bytes: Uint8Array): Float32Array {
  if (bytes.length % 4 === 0 && bytes.byteOffset % 4 === 0)
    return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const words = new Float32Array(Math.ceil(bytes.length / 4));
  new Uint8Array(words.buffer).set(bytes);
  return words;
}

function needSha256(): void {
  if (!hasSha256())
    throw new EngineError(
      "sha256-missing",
      "a conversation can be saved and restored only where there is SHA-256: in Node, or in a page that was loaded over https",
    );
}

const damaged = (why = "it is damaged", cause?: unknown) =>
  new EngineError("saved-invalid", `the saved conversation cannot be read: ${why}`, { cause });
