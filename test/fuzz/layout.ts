/** How a number stands in a file. `text`: decimal digits of a fixed length, as DICOM keeps some. */
export type NumberType = "u8" | "u16" | "u24" | "u32" | "u64" | "f32" | "f64" | "text";

/** Where a file keeps a number. */
export interface Place {
  readonly at: number;
  readonly type: NumberType;
  readonly little: boolean;
  /** Bytes, of a `text`. */
  readonly length?: number;
  /** The number's name in the format. */
  readonly what: string;
}

/** A part that can be left out, doubled, moved or put into another file: a chunk, a segment, an element. */
export interface Piece {
  readonly from: number;
  readonly to: number;
  readonly what: string;
}

/** What is known of a file's structure; empty where it makes no sense. */
export interface Layout {
  readonly pieces: readonly Piece[];
  readonly places: readonly Place[];
}

/** Collects a layout, and never a place outside the file. */
export class LayoutMaker implements Layout {
  readonly pieces: Piece[] = [];
  readonly places: Place[] = [];
  readonly view: DataView;
  readonly #little: boolean;

  constructor(
    readonly bytes: Uint8Array,
    little: boolean,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#little = little;
  }
  place(what: string, at: number, type: NumberType, little = this.#little): void {
    if (at >= 0 && at + sizeOf(type) <= this.bytes.length) this.places.push({ at, type, little, what });
  }
  /** Several that follow each other: `"width:u32 height:u32"`. */
  fields(at: number, list: string, little = this.#little): void {
    let next = at;
    for (const field of list.split(" ")) {
      const [what, type] = field.split(":") as [string, NumberType];
      this.place(what, next, type, little);
      next += sizeOf(type);
    }
  }
  text(what: string, at: number, length: number): void {
    if (length > 0 && at + length <= this.bytes.length)
      this.places.push({ at, type: "text", length, little: true, what });
  }
  piece(what: string, from: number, to: number): void {
    if (from >= 0 && from < to && to <= this.bytes.length) this.pieces.push({ from, to, what });
  }
}

export const sizeOf = (type: NumberType): number =>
  type === "text" ? 1 : type === "u24" ? 3 : Number(type.slice(1)) / 8;

/** The layout of a file that may be anything: whatever was found before it made no sense. */
export function layoutOf(bytes: Uint8Array, little: boolean, walk: (made: LayoutMaker) => void): Layout {
  const made = new LayoutMaker(bytes, little);
  try {
    walk(made);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return made;
}

export const latin = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));
export const join = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
export const ascii = (bytes: Uint8Array, at: number, length = 4): string =>
  String.fromCharCode(...bytes.subarray(at, at + length));

/** Numbers in a row: `packed(true, "u16", 1, "u32", 2)`. */
export function packed(little: boolean, ...fields: readonly (NumberType | number)[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const type = fields[i] as NumberType;
    const part = new Uint8Array(sizeOf(type));
    writeNumber(part, { at: 0, type, little, what: "" }, fields[i + 1] as number);
    parts.push(part);
  }
  return join(...parts);
}

/** Integers wrap, as a file's do. */
export function writeNumber(bytes: Uint8Array, { at, type, little, length = 1 }: Place, value: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (type === "f32") view.setFloat32(at, value, little);
  else if (type === "f64") view.setFloat64(at, value, little);
  else if (type === "text") bytes.set(latin(String(value).slice(0, length).padEnd(length, " ")), at);
  else {
    const size = sizeOf(type);
    let rest = BigInt.asUintN(size * 8, BigInt(Number.isFinite(value) ? Math.trunc(value) : 0));
    for (let i = 0; i < size; i++, rest >>= 8n) bytes[little ? at + i : at + size - 1 - i] = Number(rest & 255n);
  }
}

export function readNumber(bytes: Uint8Array, { at, type, little, length = 1 }: Place): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (type === "f32") return view.getFloat32(at, little);
  if (type === "f64") return view.getFloat64(at, little);
  if (type === "text") return Number.parseFloat(ascii(bytes, at, length)) || 0;
  const size = sizeOf(type);
  let value = 0;
  for (let i = 0; i < size; i++) value = value * 256 + bytes[little ? at + size - 1 - i : at + i]!;
  return value;
}
