import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeLossless, type LosslessPicture } from "../../../../test/lossless-jpeg.js";
import { decodeFrame, type PixelFormat } from "../index.js";

const LOSSLESS = "1.2.840.10008.1.2.4.57";
const corrupt = expect.objectContaining({ name: "ProcessorError", code: "dicom-corrupt" });

const factors = fc.record({ h: fc.constantFrom(1, 2), v: fc.constantFrom(1, 2) });
const pictures = fc
  .record({
    rows: fc.integer({ min: 1, max: 9 }),
    columns: fc.integer({ min: 1, max: 11 }),
    precision: fc.integer({ min: 2, max: 16 }),
    sampling: fc.oneof(fc.constant([{ h: 1, v: 1 }]), fc.tuple(factors, factors, factors)),
  })
  .chain(({ sampling, ...size }) => {
    const most = { h: Math.max(...sampling.map((s) => s.h)), v: Math.max(...sampling.map((s) => s.v)) };
    const value = fc.oneof(
      fc.constantFrom(0, 2 ** size.precision - 1),
      fc.integer({ min: 0, max: 2 ** size.precision - 1 }),
    );
    const components = sampling.map((s) => {
      const columns = Math.ceil((size.columns * s.h) / most.h);
      const rows = Math.ceil((size.rows * s.v) / most.v);
      const line = fc.array(value, { minLength: columns, maxLength: columns });
      return fc.record({
        h: fc.constant(s.h),
        v: fc.constant(s.v),
        plane: fc.array(line, { minLength: rows, maxLength: rows }),
      });
    });
    return fc.record({ ...constants(size), components: fc.tuple(...components) });
  });
const constants = <T extends object>(values: T) =>
  Object.fromEntries(Object.entries(values).map(([k, v]) => [k, fc.constant(v)])) as {
    [K in keyof T]: fc.Arbitrary<T[K]>;
  };
const options = fc.record({
  predictor: fc.integer({ min: 1, max: 7 }),
  pointTransform: fc.integer({ min: 0, max: 3 }),
  restartRows: fc.integer({ min: 0, max: 3 }),
  interleaved: fc.boolean(),
});

const formatOf = ({ rows, columns, precision, components }: LosslessPicture): PixelFormat => ({
  rows,
  columns,
  samples: components.length === 1 ? 1 : 3,
  bitsAllocated: precision > 8 ? 16 : 8,
  bitsStored: precision,
  signed: false,
  photometric: components.length === 1 ? "MONOCHROME2" : "RGB",
  planar: 0,
});

/** Components beside each other, those of fewer samples repeated. */
function samplesOf({ rows, columns, components }: LosslessPicture, pointTransform: number): number[] {
  const [h, v] = [Math.max(...components.map((c) => c.h)), Math.max(...components.map((c) => c.v))];
  return Array.from({ length: rows * columns * components.length }, (_, i) => {
    const c = components[i % components.length]!;
    const pixel = Math.floor(i / components.length);
    const y = Math.floor((Math.floor(pixel / columns) * c.v) / v);
    const x = Math.floor(((pixel % columns) * c.h) / h);
    return (c.plane[y]![x]! >> pointTransform) << pointTransform;
  });
}

test("gives back what was encoded: predictors, precisions, restarts, point transforms, samplings, scans", async () => {
  await fc.assert(
    fc.asyncProperty(pictures, options, async (picture, given) => {
      const chosen = { ...given, pointTransform: Math.min(given.pointTransform, picture.precision - 1) };
      const frame = await decodeFrame(LOSSLESS, encodeLossless(picture, chosen), formatOf(picture));
      expect([...frame.samples]).toEqual(samplesOf(picture, chosen.pointTransform));
      expect(frame.colour).toBe(picture.components.length === 1 ? "grey" : "rgb");
    }),
    { numRuns: 300 },
  );
});

const ramp: LosslessPicture = {
  rows: 6,
  columns: 5,
  precision: 12,
  components: [
    { h: 1, v: 1, plane: Array.from({ length: 6 }, (_, y) => Array.from({ length: 5 }, (_, x) => 700 * y + 11 * x)) },
  ],
};
const plain = { predictor: 4, pointTransform: 0, restartRows: 0, interleaved: true };

test("a signed file's samples have the sign of its bits stored", async () => {
  const { samples } = await decodeFrame(LOSSLESS, encodeLossless(ramp, plain), { ...formatOf(ramp), signed: true });
  expect([...samples]).toEqual(samplesOf(ramp, 0).map((v) => (v > 2047 ? v - 4096 : v)));
});

test("every cut is refused, with an end marker behind it or without", async () => {
  const whole = encodeLossless(ramp, { ...plain, restartRows: 2 });
  for (let length = 0; length < whole.length - 2; length++) {
    const cut = whole.subarray(0, length);
    await expect(decodeFrame(LOSSLESS, cut, formatOf(ramp))).rejects.toThrow(corrupt);
    await expect(decodeFrame(LOSSLESS, Uint8Array.from([...cut, 0xff, 0xd9]), formatOf(ramp))).rejects.toThrow(corrupt);
  }
});

test("restart markers must come in order, and at the end of a line", async () => {
  const whole = encodeLossless(ramp, { ...plain, restartRows: 2 });
  const at = whole.findIndex((v, i) => v === 0xff && whole[i + 1] === 0xd0);
  await expect(decodeFrame(LOSSLESS, whole.with(at + 1, 0xd1), formatOf(ramp))).rejects.toThrow("restart marker");
  const interval = whole.findIndex((v, i) => v === 0xff && whole[i + 1] === 0xdd) + 5;
  await expect(decodeFrame(LOSSLESS, whole.with(interval, 7), formatOf(ramp))).rejects.toThrow("within a line");
});

test("a predictor that is none, and a point transform of all bits, are refused", async () => {
  for (const wrong of [{ predictor: 0 }, { predictor: 8 }, { pointTransform: 12 }])
    await expect(decodeFrame(LOSSLESS, encodeLossless(ramp, { ...plain, ...wrong }), formatOf(ramp))).rejects.toThrow(
      corrupt,
    );
});
