/**
 * The few parts of the protobuf wire format that an ONNX model needs (https://protobuf.dev/programming-guides/encoding):
 * varints, floats, and length-delimited bytes, text and messages. Large byte arrays are kept as they came until the end,
 * so that a weight is copied once.
 */
export class ProtoWriter {
  readonly #parts: Uint8Array[] = [];
  #pending: number[] = [];
  #size = 0;

  /** Bytes written so far. */
  get size(): number {
    return this.#size;
  }

  /** An int32, int64 or enum field; a negative number takes ten bytes, as its 64-bit two's complement. */
  int(field: number, value: number): void {
    if (!Number.isSafeInteger(value)) throw new RangeError(`field ${field} needs a whole number, not ${value}`);
    this.#tag(field, 0);
    this.#varint(value);
  }

  float(field: number, value: number): void {
    this.#tag(field, 5);
    this.#small(new Uint8Array(Float32Array.of(value).buffer));
  }

  text(field: number, value: string): void {
    this.bytes(field, new TextEncoder().encode(value));
  }

  bytes(field: number, value: Uint8Array): void {
    this.#tag(field, 2);
    this.#varint(value.length);
    if (value.length < 1024) this.#small(value);
    else this.#part(value);
  }

  /** int64s, packed. */
  ints(field: number, values: readonly number[]): void {
    const packed = new ProtoWriter();
    for (const value of values) packed.#varint(value);
    this.#nested(field, packed);
  }

  message(field: number, write: (message: ProtoWriter) => void): void {
    const inner = new ProtoWriter();
    write(inner);
    this.#nested(field, inner);
  }

  finish(): Uint8Array {
    this.#flush();
    const whole = new Uint8Array(this.#size);
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  #nested(field: number, inner: ProtoWriter): void {
    this.#tag(field, 2);
    this.#varint(inner.#size);
    inner.#flush();
    for (const part of inner.#parts) {
      if (part.length < 1024) this.#small(part);
      else this.#part(part);
    }
  }

  #tag(field: number, wire: number): void {
    this.#varint(field * 8 + wire);
  }

  #varint(value: number): void {
    if (value < 0 || value > 0x7fffffff) {
      let rest = BigInt.asUintN(64, BigInt(value));
      for (; rest > 0x7fn; rest >>= 7n) this.#byte(Number(rest & 0x7fn) | 0x80);
      this.#byte(Number(rest));
      return;
    }
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) this.#byte((rest & 0x7f) | 0x80);
    this.#byte(rest);
  }

  #byte(value: number): void {
    this.#pending.push(value);
    this.#size++;
  }

  #small(bytes: Uint8Array): void {
    for (const byte of bytes) this.#pending.push(byte);
    this.#size += bytes.length;
  }

  #part(bytes: Uint8Array): void {
    this.#flush();
    this.#parts.push(bytes);
    this.#size += bytes.length;
  }

  #flush(): void {
    if (this.#pending.length === 0) return;
    this.#parts.push(Uint8Array.from(this.#pending));
    this.#pending = [];
  }
}
