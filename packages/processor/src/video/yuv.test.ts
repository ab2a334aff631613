import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import fc from "fast-check";
import { expect, test } from "vitest";
import { chromaSize, type YuvFrame, type YuvMatrix, yuvBytes, yuvToRgb } from "./yuv.js";

/** Kr and Kb of the standards, and the definition in float64: E' = Y + (2 - 2Kr) V and so on. */
const K: Readonly<Record<YuvMatrix, readonly [number, number]>> = {
  bt601: [0.299, 0.114],
  bt709: [0.2126, 0.0722],
  fcc: [0.3, 0.11],
  smpte240m: [0.212, 0.087],
  bt2020: [0.2627, 0.0593],
};
function direct({ matrix, fullRange }: YuvFrame, y: number, u: number, v: number): number[] {
  const [kr, kb] = K[matrix];
  const light = fullRange ? y : ((y - 16) * 255) / 219;
  const [du, dv] = [u, v].map((c) => ((c - 128) * 255) / (fullRange ? 255 : 224)) as [number, number];
  const red = light + (2 - 2 * kr) * dv;
  const blue = light + (2 - 2 * kb) * du;
  const green = (light - kr * red - kb * blue) / (1 - kr - kb);
  return [red, green, blue].map((c) => Math.min(255, Math.max(0, c)));
}

const frames = fc
  .record({
    width: fc.integer({ min: 1, max: 9 }),
    height: fc.integer({ min: 1, max: 9 }),
    layout: fc.constantFrom("4:2:0" as const, "4:2:2" as const, "4:4:4" as const),
    matrix: fc.constantFrom(...(Object.keys(K) as YuvMatrix[])),
    fullRange: fc.boolean(),
  })
  .chain((f) => {
    const size = yuvBytes(f.width, f.height, f.layout);
    return fc.uint8Array({ minLength: size, maxLength: size }).map((data): YuvFrame => ({ ...f, data }));
  });

test("where colour is not interpolated, every one is the definition's, less at most the steps that rounding down loses", () => {
  fc.assert(
    fc.property(frames, (frame) => {
      const { data, width, height, layout } = frame;
      const rgb = yuvToRgb(frame);
      const chroma = chromaSize(width, height, layout);
      const at = width * height;
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) {
          if (layout !== "4:4:4" && width % 2 === 1 && height % 2 === 1) continue;
          const cx = layout === "4:4:4" ? x : x >> 1;
          const cy = layout === "4:2:0" ? y >> 1 : y;
          const u = data[at + cy * chroma.width + cx]!;
          const v = data[at + chroma.width * chroma.height + cy * chroma.width + cx]!;
          const wanted = direct(frame, data[y * width + x]!, u, v);
          const got = rgb.data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3);
          // 4:4:4 is rounded once. Of others luma and each colour difference lose up to one step; the table's four digits
          // lose some hundredths.
          const rounded = layout === "4:4:4";
          wanted.forEach((value, c) => {
            expect(got[c]! - value).toBeLessThan(rounded ? 0.6 : 0.2);
            expect(value - got[c]!).toBeLessThan(rounded ? 0.6 : c === 1 ? 3.2 : 2.2);
          });
        }
    }),
  );
});

test("black, white and grey of the limited range", () => {
  const grey = (y: number) =>
    yuvToRgb({
      data: Uint8Array.of(y, 128, 128),
      width: 1,
      height: 1,
      layout: "4:2:0",
      matrix: "bt709",
      fullRange: false,
    });
  expect([...grey(16).data, ...grey(235).data, ...grey(0).data, ...grey(255).data]).toEqual([
    ...[0, 0, 0],
    ...[255, 255, 255],
    ...[0, 0, 0],
    ...[255, 255, 255],
  ]);
});

const ffmpeg = process.env.HULU_FFMPEG ?? createRequire(import.meta.url)("@ffmpeg-installer/ffmpeg").path;

test("4:4:4, and frames of odd sides, are libswscale's, but for what cubic interpolation makes of it", () => {
  for (const [layout, format] of [
    ["4:2:0", "yuv420p"],
    ["4:2:2", "yuv422p"],
    ["4:4:4", "yuv444p"],
  ] as const)
    for (const fullRange of [false, true]) {
      const [width, height] = [33, 21];
      const chroma = chromaSize(width, height, layout);
      const plane = (w: number, h: number, value: (x: number, y: number) => number) =>
        Array.from({ length: w * h }, (_, i) => value(i % w, Math.floor(i / w)));
      // Slopes of colour that show by how much a sample is misplaced, and no colours beyond those that there are.
      const [dx, dy] = [60 / chroma.width, 30 / chroma.height];
      const data = Uint8Array.from([
        ...plane(width, height, (x, y) => 90 + ((x * 7 + y * 13) % 60)),
        ...plane(chroma.width, chroma.height, (x, y) => 90 + x * dx + y * dy),
        ...plane(chroma.width, chroma.height, (x, y) => 165 - x * dx - y * dy),
      ]);
      const scale = `scale=in_color_matrix=bt709:in_range=${fullRange ? "full" : "limited"}:flags=bicubic`;
      const wanted = execFileSync(
        ffmpeg,
        [
          ...["-v", "error", "-f", "rawvideo", "-pix_fmt", format, "-s", `${width}x${height}`, "-i", "-", "-vf", scale],
          ...["-pix_fmt", "rgb24", "-f", "rawvideo", "-"],
        ],
        { input: data },
      );
      const found = yuvToRgb({ data, width, height, layout, matrix: "bt709", fullRange });
      expect(found.data.length).toBe(wanted.length);
      const far = found.data.map((v, i) => Math.abs(v - wanted[i]!));
      expect(Math.max(...far), `${layout}, ${fullRange}`).toBeLessThanOrEqual(2);
      expect(far.reduce((sum, v) => sum + v, 0) / far.length).toBeLessThan(0.3);
    }
});

// libswscale has other code for other processors, whose rounding may differ by a step.
test.runIf(process.arch === "x64")("the bytes of libswscale, for any bytes", () => {
  const [width, height] = [64, 64];
  const frame = fc.uint8Array({ minLength: (width * height * 3) / 2, maxLength: (width * height * 3) / 2 });
  const [data] = fc.sample(frame, { numRuns: 1, seed: 5 }) as [Uint8Array];
  for (const matrix of Object.keys(K) as YuvMatrix[])
    for (const fullRange of [false, true]) {
      const scale = `scale=in_color_matrix=${matrix}:in_range=${fullRange ? "full" : "limited"}:flags=bicubic`;
      const size = `${width}x${height}`;
      const wanted = execFileSync(
        ffmpeg,
        [
          ...["-v", "error", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", size, "-i", "-", "-vf", scale],
          ...["-pix_fmt", "rgb24", "-f", "rawvideo", "-"],
        ],
        { input: data },
      );
      const found = yuvToRgb({ data, width, height, layout: "4:2:0", matrix, fullRange });
      expect(Buffer.compare(found.data, wanted), `${matrix}, ${fullRange}`).toBe(0);
    }
});
