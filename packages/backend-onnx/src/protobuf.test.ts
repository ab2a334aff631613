import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ModelTooLargeError } from "./errors.js";
import { encodeModel } from "./onnx.js";
import { ProtoWriter } from "./protobuf.js";

const written = (write: (w: ProtoWriter) => void): number[] => {
  const writer = new ProtoWriter();
  write(writer);
  const bytes = writer.finish();
  expect(bytes.length).toBe(writer.size);
  return [...bytes];
};

/** A reader of the wire format, written apart from the writer. */
function fields(bytes: Uint8Array): { field: number; wire: number; value: bigint | Uint8Array }[] {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const found = [];
  while (at < bytes.length) {
    const tag = Number(varint());
    const wire = tag % 8;
    const length = wire === 0 ? 0 : wire === 5 ? 4 : Number(varint());
    found.push({ field: tag >> 3, wire, value: wire === 0 ? varint() : bytes.subarray(at, at + length) });
    at += length;
  }
  return found;
}

describe("the wire format", () => {
  // From https://protobuf.dev/programming-guides/encoding: 150 in field 1, "testing" in field 2, and -2 as an int64.
  test("the examples of its guide", () => {
    expect(written((w) => w.int(1, 150))).toEqual([0x08, 0x96, 0x01]);
    expect(written((w) => w.text(2, "testing"))).toEqual([0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67]);
    expect(written((w) => w.int(1, -2))).toEqual([0x08, 0xfe, ...new Array(8).fill(0xff), 0x01]);
    expect(written((w) => w.message(3, (m) => m.int(1, 150)))).toEqual([0x1a, 0x03, 0x08, 0x96, 0x01]);
    expect(written((w) => w.ints(6, [3, 270, 86942]))).toEqual([0x32, 0x06, 0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05]);
    expect(written((w) => w.float(1, 1))).toEqual([0x0d, 0, 0, 0x80, 0x3f]);
  });

  test("any whole number that JavaScript has comes back", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.integer({ min: 1, max: 2000 }), (value, field) => {
        const [found] = fields(Uint8Array.from(written((w) => w.int(field, value))));
        expect(found).toEqual({ field, wire: 0, value: BigInt.asUintN(64, BigInt(value)) });
      }),
    );
    expect(() => written((w) => w.int(1, 2 ** 60))).toThrow(RangeError);
    expect(() => written((w) => w.int(1, 0.5))).toThrow(RangeError);
  });

  test("bytes of any length, deep in messages, come back", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), fc.uint8Array({ maxLength: 3000 }), (a, b) => {
        const bytes = written((w) =>
          w.message(1, (m) => {
            m.bytes(2, a);
            m.message(3, (n) => n.bytes(4, b));
          }),
        );
        const [outer] = fields(Uint8Array.from(bytes));
        const [first, second] = fields(outer!.value as Uint8Array);
        expect(first!.value).toEqual(a);
        expect(fields(second!.value as Uint8Array)[0]!.value).toEqual(b);
      }),
    );
  });
});

test("a model over 2 GiB is refused by name, before its bytes are copied", () => {
  const data = new Uint8Array(2 ** 30);
  const initializers = ["a", "b"].map((name) => ({ name, type: "u8" as const, shape: [2 ** 30], data }));
  const graph = { name: "step", nodes: [], initializers, inputs: [], outputs: [] };
  expect(() => encodeModel(graph)).toThrow(ModelTooLargeError);
  expect(() => encodeModel(graph)).toThrow(/step: .* 2 GiB; open the checkpoint from a local file/);
});
