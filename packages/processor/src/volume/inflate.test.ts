import { deflateRawSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { codeOfAsync } from "../../test/helpers.js";
import { inflateAll, inflateByPako, inflateRaw } from "./inflate.js";

const codes = { broken: "nifti-gzip", tooLarge: "nifti-too-large" } as const;
const content = fc.oneof(
  fc.uint8Array({ maxLength: 3000 }),
  fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(20_000)).map(([unit, times]) => {
    const bytes = new Uint8Array(unit.length * times);
    for (let i = 0; i < bytes.length; i++) bytes[i] = unit[i % unit.length]!;
    return bytes;
  }),
);

for (const [name, inflate] of [
  ["zlib", (bytes: Uint8Array, take: (chunk: Uint8Array) => boolean) => inflateRaw(bytes, take, "nifti-gzip")],
  ["pako", inflateByPako],
] as const)
  test(`${name} gives what was packed, and the bytes that it took`, async () => {
    const level = fc.integer({ min: 0, max: 9 });
    await fc.assert(
      fc.asyncProperty(content, level, fc.uint8Array({ maxLength: 9 }), async (bytes, level, after) => {
        const packed = deflateRawSync(bytes, { level });
        const got: Uint8Array[] = [];
        const taken = await inflate(Uint8Array.from([...packed, ...after]), (chunk) => got.push(chunk.slice()) > 0);
        expect(taken).toBe(packed.length);
        expect(Buffer.concat(got).equals(bytes)).toBe(true);
      }),
    );
  });

test("pako ends where no more is wanted, refuses what is cut, and tells what take throws", async () => {
  const packed = deflateRawSync(Buffer.alloc(10_000_000, "abc"));
  let length = 0;
  expect(await inflateByPako(packed, (chunk) => (length += chunk.length) < 300_000)).toBeUndefined();
  expect(length).toBeLessThan(450_000);
  for (const cut of [0, 1, 100, packed.length - 1])
    await expect(inflateByPako(packed.subarray(0, cut), () => true)).rejects.toThrow("deflate: status");
  await expect(inflateByPako(Uint8Array.of(7, 0, 0), () => true)).rejects.toThrow("deflate: status");
  const failing = () => {
    throw new RangeError("no");
  };
  await expect(inflateByPako(packed, failing)).rejects.toThrow("no");
});

test("pako lets others run in between", async () => {
  const packed = deflateRawSync(Buffer.alloc(20_000_000, "abc"));
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  await inflateByPako(packed, () => true);
  clearInterval(timer);
  expect(turns).toBeGreaterThan(0);
});

test("a whole content has a limit", async () => {
  const packed = deflateRawSync(Buffer.alloc(1_000_000, 7));
  expect((await inflateAll(packed, 1_000_000, codes)).every((v) => v === 7)).toBe(true);
  expect(await codeOfAsync(() => inflateAll(packed, 999_999, codes))).toBe("nifti-too-large");
  expect(await codeOfAsync(() => inflateAll(packed.subarray(0, 100), 1_000_000, codes))).toBe("nifti-gzip");
  expect((await inflateAll(Uint8Array.of(3, 0), 1, codes)).length).toBe(0);
});
