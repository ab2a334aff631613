import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BIG_ENDIAN, DEFLATED, EXPLICIT, IMPLICIT, type Written, writeDicom } from "../../test/dicom-writer.js";
import { readDicom } from "./image.js";

/** A random picture, and how its samples are written. */
const pictures = fc
  .record({
    syntax: fc.constantFrom(EXPLICIT, IMPLICIT, BIG_ENDIAN, DEFLATED),
    undefinedLength: fc.boolean(),
    meta: fc.boolean(),
    rows: fc.integer({ min: 1, max: 9 }),
    columns: fc.integer({ min: 1, max: 9 }),
    frames: fc.integer({ min: 1, max: 3 }),
    kind: fc.constantFrom("MONOCHROME1", "MONOCHROME2", "RGB", "YBR_FULL"),
    planar: fc.integer({ min: 0, max: 1 }),
    bytes: fc.constantFrom(1, 2, 4),
    signed: fc.boolean(),
    seed: fc.integer(),
  })
  .filter(({ kind, bytes, signed }) => kind.startsWith("MONO") || (!signed && (kind === "RGB" || bytes === 1)))
  .filter(({ syntax, meta }) => meta || syntax !== DEFLATED)
  .chain((p) => {
    const most = 8 * p.bytes;
    const stored = p.kind.startsWith("MONO") ? fc.integer({ min: 1, max: most }) : fc.constant(most);
    return stored.map((bitsStored) => ({ ...p, bitsStored, samples: p.kind.startsWith("MONO") ? 1 : 3 }));
  });

type Picture = typeof pictures extends fc.Arbitrary<infer T> ? T : never;

/** Random whole numbers below 2^32, the same for the same seed. */
function randoms(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** The samples of a picture, in the order of frames, rows, columns, samples; and the bytes of its pixels. */
function pixelsOf(p: Picture): { values: number[]; bytes: Uint8Array } {
  const next = randoms(p.seed);
  const perFrame = p.rows * p.columns;
  const count = perFrame * p.frames * p.samples;
  const values: number[] = [];
  const bytes = new Uint8Array(count * p.bytes + ((count * p.bytes) % 2));
  for (let i = 0; i < count; i++) {
    const frame = Math.floor(i / (perFrame * p.samples));
    const [pixel, sample] = [Math.floor(i / p.samples) % perFrame, i % p.samples];
    const at =
      p.planar === 1
        ? frame * perFrame * p.samples + sample * perFrame + pixel
        : (frame * perFrame + pixel) * p.samples + sample;
    // BigInt, so that the test's arithmetic is another than the reader's; the bits above the stored ones are rubbish.
    const raw = BigInt.asUintN(8 * p.bytes, BigInt(next()));
    values.push(Number(p.signed ? BigInt.asIntN(p.bitsStored, raw) : BigInt.asUintN(p.bitsStored, raw)));
    for (let b = 0; b < p.bytes; b++) {
      const shift = p.syntax === BIG_ENDIAN ? p.bytes - 1 - b : b;
      bytes[at * p.bytes + b] = Number((raw >> BigInt(8 * shift)) & 255n);
    }
  }
  // Samples of a byte are pairs in words.
  const swap = p.syntax === BIG_ENDIAN && p.bytes === 1;
  return { values, bytes: swap ? bytes.map((_, i) => bytes[i ^ 1]!) : bytes };
}

const elementsOf = (p: Picture, bytes: Uint8Array): Written[] => [
  [0x00080005, "CS", "ISO_IR 100"],
  [0x00080060, "CS", "OT"],
  [0x00081140, "SQ", { items: [[[0x00081150, "UI", "1.2.3"]], []] }],
  [0x00280002, "US", [p.samples]],
  [0x00280004, "CS", p.kind],
  ...(p.samples === 3 ? [[0x00280006, "US", [p.planar]] as const] : []),
  [0x00280008, "IS", String(p.frames)],
  [0x00280010, "US", [p.rows]],
  [0x00280011, "US", [p.columns]],
  [0x00280100, "US", [8 * p.bytes]],
  [0x00280101, "US", [p.bitsStored]],
  [0x00280102, "US", [p.bitsStored - 1]],
  [0x00280103, "US", [p.signed ? 1 : 0]],
  [0x7fe00010, "OW", bytes],
];

describe("what is written is read", () => {
  it("for all bits, signs, sizes, planes, colours, byte orders and encodings", async () => {
    await fc.assert(
      fc.asyncProperty(
        pictures.map((p) => (p.samples === 1 ? { ...p, planar: 0 } : p)),
        async (p) => {
          const { values, bytes } = pixelsOf(p);
          const image = await readDicom(writeDicom(elementsOf(p, bytes), p));
          expect(image.header).toMatchObject({
            rows: p.rows,
            columns: p.columns,
            frames: p.frames,
            samples: p.samples,
          });
          const read: number[] = [];
          for (let frame = 0; frame < p.frames; frame++) read.push(...(await image.stored(frame)).samples);
          expect(read).toEqual(values);
          const { data } = (await image.picture(p.frames - 1)).image;
          expect(data.length).toBe(p.rows * p.columns * 3);
          const last = values.slice(-p.rows * p.columns * p.samples);
          if (p.kind === "RGB") expect([...data]).toEqual(last.map((v) => Math.floor(v / 2 ** (8 * p.bytes - 8))));
        },
      ),
      { numRuns: 300 },
    );
  });
});
