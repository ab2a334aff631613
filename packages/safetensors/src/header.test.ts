import { describe, expect, it } from "vitest";
import { codeOf, failureOf, fileOf } from "../test/fixtures.js";
import { MAX_HEADER_BYTES } from "./header.js";
import { type ByteSource, open, SafetensorsError, serialize } from "./index.js";
import { memorySource } from "./source.js";

const entry = (fields: string) => `{"t":{${fields}}}`;
const good = '"dtype":"U8","shape":[2],"data_offsets":[0,2]';
const at = (begin: number, end: number) => `{"dtype":"U8","shape":[${end - begin}],"data_offsets":[${begin},${end}]}`;

describe("hostile headers", () => {
  const huge = "9".repeat(30);
  const dims = (count: number) => `[${Array(count).fill(1).join(",")}]`;
  const cases: readonly [string, string, string, number?][] = [
    ["header-json", "empty text", " "],
    ["header-json", "a space before the brace", ` ${entry(good)}`, 2],
    ["header-json", "a byte order mark", `\ufeff${entry(good)}`, 2],
    ["header-json", "an array", "[]"],
    ["header-json", "no end", '{"t":'],
    ["header-json", "a comma at the end", '{"__metadata__":{},}'],
    ["header-json", "text behind it", `${entry(good)}x`, 2],
    ["header-json", "a second object", `${entry(good)}{}`, 2],
    ["header-json", "an entry that is null", '{"t":null}'],
    ["header-json", "an entry that is an array", '{"t":[]}'],
    ["header-json", "a key that is a number", "{1:{}}"],
    ["header-json", "half a surrogate pair", '{"\\ud800":{}}'],
    ["header-json", "metadata that is no object", '{"__metadata__":"x"}'],
    ["duplicate-key", "a tensor twice", `{"t":{${good}},"t":{${good}}}`, 2],
    ["duplicate-key", "a tensor twice, once escaped", `{"t":{${good}},"\\u0074":{${good}}}`, 2],
    ["duplicate-key", "a field twice", entry(`${good},"dtype":"U8"`), 2],
    ["duplicate-key", "metadata twice", '{"__metadata__":{},"__metadata__":{}}'],
    ["duplicate-key", "a key of metadata twice", '{"__metadata__":{"a":"1","a":"1"}}'],
    ["bad-metadata", "metadata of a number", '{"__metadata__":{"a":1}}'],
    ["bad-metadata", "metadata of an object", '{"__metadata__":{"a":{}}}'],
    ["header-field", "no fields", '{"t":{}}'],
    ["header-field", "no dtype", entry('"shape":[2],"data_offsets":[0,2]'), 2],
    ["header-field", "no shape", entry('"dtype":"U8","data_offsets":[0,2]'), 2],
    ["header-field", "no offsets", entry('"dtype":"U8","shape":[2]'), 2],
    ["header-field", "a field of its own", entry(`${good},"strides":[1]`), 2],
    ["unknown-dtype", "a dtype that is none", entry('"dtype":"F7","shape":[2],"data_offsets":[0,2]'), 2],
    ["unknown-dtype", "a dtype of every object", entry('"dtype":"toString","shape":[2],"data_offsets":[0,2]'), 2],
    ["unknown-dtype", "a dtype that is a number", entry('"dtype":8,"shape":[2],"data_offsets":[0,2]'), 2],
    ["bad-shape", "a negative size", entry('"dtype":"U8","shape":[-2],"data_offsets":[0,2]'), 2],
    ["bad-shape", "two negative sizes", entry('"dtype":"U8","shape":[-2,-1],"data_offsets":[0,2]'), 2],
    ["bad-shape", "a fraction", entry('"dtype":"U8","shape":[0.5,4],"data_offsets":[0,2]'), 2],
    ["bad-shape", "an integer as a float", entry('"dtype":"U8","shape":[2.0],"data_offsets":[0,2]'), 2],
    ["bad-shape", "an exponent", entry('"dtype":"U8","shape":[2e0],"data_offsets":[0,2]'), 2],
    ["bad-shape", "a string", entry('"dtype":"U8","shape":["2"],"data_offsets":[0,2]'), 2],
    ["bad-shape", "null", entry('"dtype":"U8","shape":null,"data_offsets":[0,2]'), 2],
    ["bad-shape", "nested", entry('"dtype":"U8","shape":[[2]],"data_offsets":[0,2]'), 2],
    ["bad-shape", "past the safe integers", entry(`"dtype":"U8","shape":[${huge}],"data_offsets":[0,2]`), 2],
    ["too-many", "65 dimensions", entry(`"dtype":"U8","shape":${dims(65)},"data_offsets":[0,1]`), 1],
    ["overflow", "a product", entry('"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,2]'), 2],
    [
      "overflow",
      "2^64 bytes, 0 where it wraps",
      entry('"dtype":"U64","shape":[4294967296,536870912],"data_offsets":[0,0]'),
    ],
    [
      "overflow",
      "only with the element's bytes",
      entry('"dtype":"F64","shape":[4503599627370496],"data_offsets":[0,0]'),
    ],
    ["overflow", "before a 0", entry('"dtype":"U8","shape":[4294967296,4294967296,0],"data_offsets":[0,0]')],
    ["bad-offsets", "one", entry('"dtype":"U8","shape":[2],"data_offsets":[2]'), 2],
    ["bad-offsets", "none", entry('"dtype":"U8","shape":[2],"data_offsets":[]'), 2],
    ["bad-offsets", "three", entry('"dtype":"U8","shape":[2],"data_offsets":[0,2,2]'), 2],
    ["bad-offsets", "backwards", entry('"dtype":"U8","shape":[2],"data_offsets":[2,0]'), 2],
    ["bad-offsets", "negative", entry('"dtype":"U8","shape":[2],"data_offsets":[-2,0]'), 2],
    ["bad-offsets", "a fraction", entry('"dtype":"U8","shape":[2],"data_offsets":[0,2.0]'), 2],
    ["bad-offsets", "a string", entry('"dtype":"U8","shape":[2],"data_offsets":"02"'), 2],
    ["bad-offsets", "past the safe integers", entry(`"dtype":"U8","shape":[2],"data_offsets":[0,${huge}]`), 2],
    ["size-mismatch", "too few bytes", entry('"dtype":"U8","shape":[3],"data_offsets":[0,2]'), 2],
    ["size-mismatch", "too many bytes", entry('"dtype":"U8","shape":[1],"data_offsets":[0,2]'), 2],
    ["size-mismatch", "bytes counted as elements", entry('"dtype":"F32","shape":[2],"data_offsets":[0,2]'), 2],
    ["size-mismatch", "a scalar without bytes", entry('"dtype":"U8","shape":[],"data_offsets":[0,0]')],
    ["size-mismatch", "no elements, but bytes", entry('"dtype":"U8","shape":[0],"data_offsets":[0,2]'), 2],
    ["overlap", "the same bytes", `{"a":${at(0, 2)},"b":${at(0, 2)}}`, 2],
    ["overlap", "one byte", `{"a":${at(0, 2)},"b":${at(1, 3)}}`, 3],
    ["overlap", "one in the other", `{"a":${at(0, 4)},"b":${at(1, 2)}}`, 4],
    ["overlap", "an empty one in another", `{"a":${at(0, 2)},"b":${at(1, 1)}}`, 2],
    ["hole", "at the start", `{"a":${at(1, 2)}}`, 2],
    ["hole", "between", `{"b":${at(3, 4)},"a":${at(0, 2)}}`, 4],
    ["hole", "an empty one past the rest", `{"a":${at(0, 2)},"b":${at(3, 3)}}`, 3],
    ["truncated", "by one byte", entry(good), 1],
    ["truncated", "wholly", entry(good), 0],
    ["truncated", "in the last of two", `{"a":${at(0, 2)},"b":${at(2, 4)}}`, 3],
    ["trailing-bytes", "one", entry(good), 3],
    ["trailing-bytes", "without a tensor", "{}", 1],
  ];
  it.each(cases)("%s: %s", async (code, _, header, dataBytes = 0) => {
    const error = await failureOf(() => open(fileOf(header, dataBytes)));
    expect([error.code, error.message]).toEqual([code, error.message]);
    expect(error.file).toBe("memory");
    expect(error.message).toMatch(/^memory: .*; expected ./s);
  });

  it("names the tensor", async () => {
    const error = await failureOf(() => open(fileOf(entry('"dtype":"F7","shape":[2],"data_offsets":[0,2]'), 2)));
    expect(error.tensor).toBe("t");
    expect(error.message).toMatch(/^memory: tensor "t": dtype "F7" is not known; expected one of U64, I64, /);
    // The tensor is that of the entry, not the last one seen.
    expect((await failureOf(() => open(fileOf(`{"t":{${good}},5:0}`, 2)))).tensor).toBeUndefined();
  });

  it("cuts a name that is long", async () => {
    const error = await failureOf(() => open(fileOf(`{"${"x".repeat(1e6)}":{}}`)));
    expect(error.message.length).toBeLessThan(400);
  });

  it("refuses text that is not UTF-8", async () => {
    const header = new TextEncoder().encode('{"__metadata__":{"a":"bcd"}}');
    header[22] = 0xff;
    expect(await codeOf(() => open(fileOf(header)))).toBe("header-utf8");
  });

  it("refuses more tensors than the limit", async () => {
    const some = Array.from({ length: 65_537 }, (_, i) => `"${i}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`);
    expect(await codeOf(() => open(fileOf(`{${some.join(",")}}`)))).toBe("too-many");
  });
});

describe("the length of the header", () => {
  it.each([
    ["header-length", 0n],
    ["header-length", 3n],
    ["header-length", BigInt(MAX_HEADER_BYTES)],
    ["header-too-large", BigInt(MAX_HEADER_BYTES) + 1n],
    ["header-too-large", 2n ** 32n],
    ["header-too-large", 2n ** 53n + 2n],
    ["header-too-large", 2n ** 64n - 1n],
  ] as const)("%s: %d", async (code, length) => {
    expect(await codeOf(() => open(fileOf("{}", 0, length)))).toBe(code);
  });

  it.each([0, 1, 7])("header-too-short: a file of %d bytes", async (bytes) => {
    expect(await codeOf(() => open(new Uint8Array(bytes)))).toBe("header-too-short");
  });

  it("says what a text file in the place of weights may be", async () => {
    const pointer = new TextEncoder().encode("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
    expect((await failureOf(() => open(pointer))).message).toContain("Git LFS pointer");
  });

  it("believes the cap itself", async () => {
    const source: ByteSource = {
      name: "s",
      size: 8 + MAX_HEADER_BYTES,
      // The length, and then the cap's worth of bytes in the place of text, one of which is enough to see.
      read: async (begin, end) =>
        begin === 0 ? new Uint8Array(BigUint64Array.of(BigInt(MAX_HEADER_BYTES)).buffer) : new Uint8Array(end - begin),
    };
    expect(await codeOf(() => open(source))).toBe("header-json");
  });
});

describe("valid headers", () => {
  it.each([
    ["none", "{}", 0],
    ["white space behind", '{"__metadata__":{}}  \n\t\r', 0],
    ["fields in any order, white space", '{ "t" : { "data_offsets" : [ 0 , 2 ] , "shape":[ ] , "dtype":"F16" } }', 2],
    ["tensors in any order", `{"b":${at(2, 3)},"a":${at(0, 2)}}`, 3],
    ["empty tensors at every boundary", `{"c":${at(2, 2)},"b":${at(0, 2)},"a":${at(0, 0)},"d":${at(2, 2)}}`, 2],
    ["a size of 0 with others", entry('"dtype":"F64","shape":[4294967296,0,9],"data_offsets":[0,0]'), 0],
    ["64 dimensions", entry(`"dtype":"U8","shape":[${Array(64).fill(1)}],"data_offsets":[0,1]`), 1],
  ])("%s", async (_, header, dataBytes) => {
    await open(fileOf(header, dataBytes));
  });

  it("keeps names that mean something to JavaScript", async () => {
    const names = ["__proto__", "constructor", "toString", "1", "0", ""];
    const entries = names.map((name, i) => `"${name}":${at(i, i + 1)}`);
    const meta = '"__metadata__":{"__proto__":"p","constructor":"c"}';
    const file = await open(fileOf(`{${meta},${entries.join(",")}}`, Uint8Array.of(0, 1, 2, 3, 4, 5)));
    expect([...file.keys()]).toEqual(names);
    for (const [i, name] of names.entries()) expect([...(await file.read(name))]).toEqual([i]);
    expect([...file.metadata]).toEqual([...Object.entries({ ["__proto__"]: "p", constructor: "c" })]);
    expect(file.info("hasOwnProperty")).toBeUndefined();
  });
});

describe("every damage to a small file", () => {
  const file = serialize(
    [
      { name: "a", dtype: "F32", shape: [2, 1], data: Float32Array.of(1, 2) },
      { name: "b", dtype: "U8", shape: [], data: Uint8Array.of(3) },
      { name: "é", dtype: "BF16", shape: [0], data: new Uint8Array(0) },
    ],
    { metadata: { format: "pt" } },
  );
  const headerEnd = 8 + Number(new DataView(file.buffer).getBigUint64(0, true));

  /** Opens damaged bytes; gives the code of the error, or checks that what was opened is whole and gives undefined. */
  async function outcome(bytes: Uint8Array): Promise<string | undefined> {
    let asked = 0;
    const memory = memorySource(bytes);
    const read: ByteSource["read"] = (begin, end) => {
      asked = Math.max(asked, end - begin, begin, end);
      return memory.read(begin, end);
    };
    try {
      const opened = await open({ ...memory, read });
      let total = 0;
      for (const name of opened.keys()) total += (await opened.read(name)).byteLength;
      const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
      expect(total + length + 8).toBe(bytes.byteLength);
      return undefined;
    } catch (error) {
      if (!(error instanceof SafetensorsError)) throw error;
      return error.code;
    } finally {
      expect(asked).toBeLessThanOrEqual(bytes.byteLength);
    }
  }

  it("each byte of length and header with every other value", async () => {
    const before = process.memoryUsage().arrayBuffers;
    const codes = new Map<string | undefined, number>();
    let most = 0;
    for (let at = 0; at < headerEnd; at++) {
      for (let value = 0; value < 256; value++) {
        if (value === file[at]) continue;
        const damaged = file.slice();
        damaged[at] = value;
        const code = await outcome(damaged);
        codes.set(code, (codes.get(code) ?? 0) + 1);
      }
      most = Math.max(most, process.memoryUsage().arrayBuffers);
    }
    // A believed length would show as up to 100 MB at once; this is what waits for the garbage collector.
    expect(most - before).toBeLessThan(80e6);
    // Names and metadata can change and be valid; nearly all else cannot.
    expect(codes.get(undefined)).toBeLessThan(headerEnd * 256 * 0.2);
    expect(new Set(codes.keys()).size).toBeGreaterThan(10);
  });

  it("each shorter length, and longer ones", async () => {
    for (let length = 0; length < file.byteLength; length++) {
      const code = await outcome(file.subarray(0, length));
      expect(code).toBe(length < 8 ? "header-too-short" : length < headerEnd ? "header-length" : "truncated");
    }
    for (const more of [1, 8, 4096]) {
      const longer = new Uint8Array(file.byteLength + more);
      longer.set(file);
      expect(await outcome(longer)).toBe("trailing-bytes");
    }
    expect(await outcome(file)).toBeUndefined();
  });
});
