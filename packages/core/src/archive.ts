import { SessionError } from "./backend.js";

// A saved session is a safetensors file of float32 tensors; this package depends on nothing, so it writes the few lines of
// that format which it needs itself: eight bytes of header length, a JSON header, the numbers. A sum over the numbers stands
// in the metadata: a cache with one wrong bit would answer wrongly and look well.

export interface ArchiveTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export function writeArchive(
  tensors: readonly ArchiveTensor[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  let end = 0;
  const entries = tensors.map(({ name, shape, data }) => {
    const begin = end;
    end += data.byteLength;
    return [name, { dtype: "F32", shape, data_offsets: [begin, end] }];
  });
  const all = { ...metadata, checksum: checksum(tensors) };
  let header = JSON.stringify({ __metadata__: all, ...Object.fromEntries(entries) });
  const spaces = 8 - (new TextEncoder().encode(header).length % 8);
  header += " ".repeat(spaces % 8);
  const text = new TextEncoder().encode(header);
  const file = new Uint8Array(8 + text.length + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  let at = 8 + text.length;
  for (const { data } of tensors) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return file;
}

/** @throws SessionError for anything that `writeArchive` did not write, down to a bit of the numbers */
export function readArchive(given: Uint8Array): {
  metadata: ReadonlyMap<string, string>;
  tensors: ReadonlyMap<string, ArchiveTensor>;
} {
  const damaged = () => new SessionError("the saved session is damaged");
  // A Buffer of Node is a Uint8Array too, but its slices are no copies.
  const file = new Uint8Array(given.buffer, given.byteOffset, given.byteLength);
  if (file.length < 8) throw damaged();
  const length = Number(new DataView(file.buffer, file.byteOffset, 8).getBigUint64(0, true));
  if (length > file.length - 8) throw damaged();
  const header = parse(new TextDecoder().decode(file.subarray(8, 8 + length)), damaged);
  const body = file.subarray(8 + length);
  const tensors = new Map<string, ArchiveTensor>();
  let at = 0;
  for (const [name, entry] of header) {
    if (name === "__metadata__") continue;
    const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Readonly<Record<string, unknown>>;
    if (dtype !== "F32" || !isCounts(shape) || !isCounts(offsets)) throw damaged();
    const [begin, end] = offsets;
    if (begin !== at || end !== at + 4 * shape.reduce((n, d) => n * d, 1) || end > body.length) throw damaged();
    tensors.set(name, { name, shape, data: new Float32Array(body.slice(begin, end).buffer) });
    at = end;
  }
  const metadata = new Map(Object.entries(header.get("__metadata__") ?? {}));
  if (at !== body.length || ![...metadata.values()].every((v) => typeof v === "string")) throw damaged();
  if (metadata.get("checksum") !== checksum(tensors.values())) throw damaged();
  return { metadata, tensors };
}

/** FNV-1a over the numbers, four bytes at a time: any one changed number changes it. */
function checksum(tensors: Iterable<ArchiveTensor>): string {
  let sum = 0x811c9dc5;
  for (const { data } of tensors) {
    const words = new Uint32Array(data.buffer, data.byteOffset, data.length);
    for (let i = 0; i < words.length; i++) sum = Math.imul(sum ^ (words[i] as number), 0x01000193);
  }
  return (sum >>> 0).toString(16).padStart(8, "0");
}

function parse(text: string, damaged: () => Error): ReadonlyMap<string, unknown> {
  try {
    const header: unknown = JSON.parse(text);
    if (typeof header === "object" && header !== null) return new Map(Object.entries(header));
  } catch {
    // Falls through to the one named error.
  }
  throw damaged();
}

const isCounts = (x: unknown): x is readonly number[] =>
  Array.isArray(x) && x.every((n) => Number.isSafeInteger(n) && n >= 0);
