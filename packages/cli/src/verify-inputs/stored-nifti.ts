import { once } from "node:events";
import { createInflateRaw } from "node:zlib";
import type { Samples } from "./facts.js";

/** A NIfTI file as its bytes say: the fields that the library has no use for, and the voxels before slope and intercept. */
export interface StoredNifti {
  /** The file that holds the voxels, unpacked. */
  readonly content: Uint8Array;
  /** Bytes behind the last gzip member; undefined for a plain file. */
  readonly bytesAfterGzip: number | undefined;
  readonly version: 1 | 2;
  readonly pair: boolean;
  readonly littleEndian: boolean;
  readonly datatype: number;
  readonly bitpix: number;
  readonly offset: number;
  readonly slope: number;
  readonly inter: number;
  readonly qformCode: number;
  readonly sformCode: number;
}

/**
 * Reads again what the library has accepted, so that the goldens' header fields have something to be compared with.
 * Source: NIfTI-1 and NIfTI-2 data format, nifti.nimh.nih.gov.
 * @param most bytes of unpacked content that are looked at: what a file unpacks to beyond its voxels is not held
 * @param image the other half of a pair
 */
export async function storedNifti(file: Uint8Array, most: number, image?: Uint8Array): Promise<StoredNifti> {
  const { content, rest } = await unpacked(file, most);
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  // A first number of a few hundred is one in the file's own byte order.
  const le = view.getInt32(0, true) >>> 0 < 0x10000;
  const version = view.getInt32(0, le) === 540 ? 2 : 1;
  const short = (one: number, two: number) => view.getInt16(version === 1 ? one : two, le);
  const real = (one: number, two: number) => (version === 1 ? view.getFloat32(one, le) : view.getFloat64(two, le));
  const code = (one: number, two: number) => (version === 1 ? view.getInt16(one, le) : view.getInt32(two, le));
  return {
    content: image === undefined ? content : (await unpacked(image, most)).content,
    bytesAfterGzip: rest,
    version,
    pair: content[version === 1 ? 345 : 5] === 0x69,
    littleEndian: le,
    datatype: short(70, 12),
    bitpix: short(72, 14),
    offset: version === 1 ? view.getFloat32(108, le) : Number(view.getBigInt64(168, le)),
    slope: real(112, 176),
    inter: real(116, 184),
    qformCode: code(252, 344),
    sformCode: code(254, 348),
  };
}

interface Unpacked {
  readonly content: Uint8Array;
  readonly rest: number | undefined;
}

/** The members of a gzip file, one behind the other, and how much lies behind them. Source: RFC 1952, 2.3. */
async function unpacked(file: Uint8Array, most: number): Promise<Unpacked> {
  if (file[0] !== 0x1f || file[1] !== 0x8b) return { content: file, rest: undefined };
  const parts: Buffer[] = [];
  let [at, held] = [0, 0];
  while (file[at] === 0x1f && file[at + 1] === 0x8b && file[at + 2] === 8) {
    const start = deflateStart(file, at);
    const inflate = createInflateRaw();
    inflate.on("data", (part: Buffer) => {
      if (held < most) parts.push(part);
      held += part.length;
    });
    const ended = once(inflate, "end");
    inflate.end(file.subarray(start));
    await ended;
    at = start + inflate.bytesWritten + 8;
  }
  return { content: Buffer.concat(parts), rest: Math.max(0, file.length - at) };
}

function deflateStart(file: Uint8Array, from: number): number {
  const flags = file[from + 3]!;
  let at = from + 10;
  if (flags & 4) at += 2 + file[at]! + 256 * file[at + 1]!;
  for (const text of [8, 16]) if (flags & text) at = file.indexOf(0, at) + 1;
  return flags & 2 ? at + 2 : at;
}

type Numbers = { readonly name: string; readonly width: number; readonly of?: new (buffer: ArrayBuffer) => Samples };
const DATATYPES: ReadonlyMap<number, Numbers> = new Map<number, Numbers>([
  [2, { name: "uint8", width: 1, of: Uint8Array }],
  [4, { name: "int16", width: 2, of: Int16Array }],
  [8, { name: "int32", width: 4, of: Int32Array }],
  [16, { name: "float32", width: 4, of: Float32Array }],
  // A pair of float32: bytes are swapped in each, and there is no least of them.
  [32, { name: "complex64", width: 4 }],
  [64, { name: "float64", width: 8, of: Float64Array }],
  [256, { name: "int8", width: 1, of: Int8Array }],
  [512, { name: "uint16", width: 2, of: Uint16Array }],
  [768, { name: "uint32", width: 4, of: Uint32Array }],
  [1024, { name: "int64", width: 8, of: BigInt64Array }],
  [1280, { name: "uint64", width: 8, of: BigUint64Array }],
  [1792, { name: "complex128", width: 8 }],
]);

/** The stored voxels in little-endian order; `numbers` is undefined for complex ones, which have no order. */
export function storedVoxels(
  { content, datatype, bitpix, littleEndian, offset }: StoredNifti,
  count: number,
): { readonly dtype: string; readonly bytes: Uint8Array; readonly numbers: Samples | undefined } {
  const type = DATATYPES.get(datatype);
  if (type === undefined) throw new Error(`no rule is known for the stored voxels of datatype ${datatype}`);
  // A copy: slice() of a Buffer is none.
  const bytes = new Uint8Array(content.subarray(offset, offset + (count * bitpix) / 8));
  if (!littleEndian) swap(bytes, type.width);
  return { dtype: type.name, bytes, numbers: type.of && new type.of(bytes.buffer) };
}

function swap(bytes: Uint8Array, width: number): void {
  if (width === 1) return;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (width === 2) buffer.swap16();
  else if (width === 4) buffer.swap32();
  else buffer.swap64();
}
