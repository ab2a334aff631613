import { describe, expect, test } from "vitest";
import { readArchive, writeArchive } from "./archive.js";
import { SessionError } from "./backend.js";

const tensors = [
  { name: "a.keys", shape: [2, 3], data: Float32Array.of(1, -2.5, Number.NaN, 0, -0, Number.POSITIVE_INFINITY) },
  { name: "b.é", shape: [0, 3], data: new Float32Array(0) },
  { name: "c", shape: [], data: Float32Array.of(7) },
];
const file = writeArchive(tensors, { fingerprint: "f00", length: "2" });
const header = (bytes: Uint8Array) =>
  new TextDecoder().decode(bytes.subarray(8, 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true))));
/** A file with this header over these bytes. */
const made = (json: string, body: number[] = []) => {
  const text = new TextEncoder().encode(json);
  const bytes = new Uint8Array(8 + text.length + body.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(body, 8 + text.length);
  return bytes;
};

describe("an archive", () => {
  test("comes back to the bit, wherever in a buffer it lies, and from a Buffer of Node", () => {
    const shifted = new Uint8Array(file.length + 3);
    shifted.set(file, 3);
    for (const bytes of [file, shifted.subarray(3), Buffer.from(file)]) {
      const { metadata, tensors: back } = readArchive(bytes);
      expect([metadata.get("fingerprint"), metadata.get("length")]).toEqual(["f00", "2"]);
      expect([...back.keys()]).toEqual(tensors.map((t) => t.name));
      for (const t of tensors) {
        expect(back.get(t.name)!.shape).toEqual(t.shape);
        expect(new Uint8Array(back.get(t.name)!.data.buffer)).toEqual(new Uint8Array(t.data.buffer));
      }
    }
  });
  test("is safetensors: header length, JSON padded to eight bytes, numbers in order", () => {
    const json = header(file);
    expect((8 + new TextEncoder().encode(json).length) % 8).toBe(0);
    const { __metadata__, ...entries } = JSON.parse(json) as Record<string, Record<string, unknown>>;
    expect(Object.keys(__metadata__!).sort()).toEqual(["checksum", "fingerprint", "length"]);
    expect(entries).toEqual({
      "a.keys": { dtype: "F32", shape: [2, 3], data_offsets: [0, 24] },
      "b.é": { dtype: "F32", shape: [0, 3], data_offsets: [24, 24] },
      c: { dtype: "F32", shape: [], data_offsets: [24, 28] },
    });
    expect(file.length).toBe(8 + new TextEncoder().encode(json).length + 28);
  });
  test("of views takes only what is seen", () => {
    const all = Float32Array.of(1, 2, 3, 4);
    const part = writeArchive([{ name: "x", shape: [2], data: all.subarray(1, 3) }], {});
    expect([...readArchive(part).tensors.get("x")!.data]).toEqual([2, 3]);
  });
});

describe("what was damaged is a SessionError and nothing else", () => {
  const damaged = (bytes: Uint8Array) =>
    expect(() => readArchive(bytes)).toThrow(new SessionError("the saved session is damaged"));
  test("cut anywhere", () => {
    for (let n = 0; n < file.length; n++) damaged(file.slice(0, n));
  });
  test("with bytes behind it", () => damaged(Uint8Array.from([...file, 0])));
  test("one number changed by one bit", () => {
    for (let i = file.length - 28; i < file.length; i++)
      for (let bit = 0; bit < 8; bit++) damaged(file.with(i, file[i]! ^ (1 << bit)));
  });
  test("any byte changed: refused, or a difference in what is told beside the numbers", () => {
    for (let i = 0; i < file.length; i++)
      for (const to of [0, 0x20, 0x22, 0x30, 0x39, 0x5b, 0x7b, 0xff]) {
        let read: ReturnType<typeof readArchive> | undefined;
        try {
          read = readArchive(file.with(i, to));
        } catch (error) {
          expect(error).toBeInstanceOf(SessionError);
        }
        for (const [at, t] of [...(read?.tensors.values() ?? [])].entries())
          expect(new Uint8Array(t.data.buffer)).toEqual(new Uint8Array(tensors[at]!.data.buffer));
      }
  });
  test.each([
    "",
    "null",
    "3",
    '"text"',
    "[]x",
    '{"__metadata__":{"checksum":{"toString":1}}}',
    '{"__metadata__":{"checksum":7}}',
    '{"a":null}',
    '{"a":5}',
    '{"a":{"dtype":"F32","shape":[1]}}',
    '{"a":{"dtype":"F32","shape":"1","data_offsets":[0,4]}}',
    '{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,-4]}}',
    '{"a":{"dtype":"F32","shape":[0.5],"data_offsets":[0,2]}}',
    '{"a":{"dtype":"F32","shape":[9007199254740991,9007199254740991],"data_offsets":[0,4]}}',
    '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}',
    '{"a":{"dtype":"F16","shape":[1],"data_offsets":[0,4]}}',
    '{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
    '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
    '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
  ])("a header of its own: %j", (json) => damaged(made(json, [0, 0, 0, 0])));
  test("a header longer than any file", () => {
    const bytes = file.slice();
    bytes.fill(0xff, 0, 8);
    damaged(bytes);
  });
});
