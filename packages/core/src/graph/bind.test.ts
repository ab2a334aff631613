import { describe, expect, test } from "vitest";
import { append, past } from "../ops/append.js";
import { axis, fuse } from "./axis.js";
import { bindSizes, FeedError } from "./bind.js";
import { f32, i32, program } from "./graph.js";
import { addSizes, symbol } from "./size.js";

const sized = <N extends string>(name: N) => axis(name, symbol(name));
const [frame, token, window, pixel] = [sized("frame"), sized("token"), sized("window"), axis("pixel", 12)];
const vision = program(
  "encode",
  { pixels: f32(frame, fuse(token, window), pixel), row: i32(fuse(token, window)), weights: f32(window) },
  ({ pixels }) => ({ y: pixels }),
);
const shapes = (pixels: number[], row: number[], weights: number[]) =>
  new Map(Object.entries({ pixels, row, weights }));

describe("the sizes of a run", () => {
  test("are found from the shapes, whatever the order of the inputs", () => {
    // token*window is solved when the window is known, which comes last.
    expect(bindSizes(vision, shapes([3, 8, 12], [8], [4]))).toEqual({ frame: 3, token: 2, window: 4 });
    expect(bindSizes(vision, shapes([0, 0, 12], [0], [4]))).toEqual({ frame: 0, token: 0, window: 4 });
  });
  test("may be known beforehand, and are then held to it", () => {
    expect(bindSizes(vision, shapes([1, 4, 12], [4], [4]), { past: 7 })).toMatchObject({ past: 7, token: 1 });
    expect(() => bindSizes(vision, shapes([1, 4, 12], [4], [4]), { token: 2 })).toThrow(FeedError);
  });
  test("with a state: the past is the session's", () => {
    const seq = sized("seq");
    const p = program("step", { x: f32(axis("batch", 1), seq, axis("kv", 1)) }, ({ x }) => ({
      y: append<"batch", "kv">(x, past, "keys"),
    }));
    expect(bindSizes(p, new Map([["x", [1, 3, 1]]]), { past: 5 })).toEqual({ past: 5, seq: 3 });
  });
});

describe("what does not fit is a FeedError that says which input and what would fit", () => {
  const says = (pixels: number[], row: number[], weights: number[], message: string) => {
    const bind = () => bindSizes(vision, shapes(pixels, row, weights));
    expect(bind).toThrow(FeedError);
    expect(bind).toThrow(message);
  };
  test("patches that the window does not divide", () =>
    says(
      [1, 7, 12],
      [7],
      [4],
      "encode: pixels is [1 7 12], it must be [frame=frame token*window=token*window pixel=12]",
    ));
  test("two inputs that differ", () =>
    says([1, 8, 12], [4], [4], "encode: row is [4], it must be [token*window=token*window] with token=2 window=4"));
  test("a fixed size", () =>
    says(
      [2, 4, 11],
      [4],
      [4],
      "encode: pixels is [2 4 11], it must be [frame=frame token*window=token*window pixel=12] with frame=2 token=1 window=4",
    ));
  test("another number of axes", () => says([2, 4], [4], [4], "encode: pixels is [2 4], it must be"));
  test("a window of none", () => says([1, 0, 12], [0], [0], "encode: pixels is [1 0 12]"));
  test("a fraction, a negative", () => {
    says([1.5, 4, 12], [4], [4], "encode: pixels is [1.5 4 12]");
    says([-1, 4, 12], [4], [4], "encode: pixels is [-1 4 12]");
  });
  test("an input too few, too many", () => {
    expect(() => bindSizes(vision, new Map([["pixels", [1, 1, 12]]]))).toThrow(
      "encode needs the input row[token*window]",
    );
    expect(() => bindSizes(vision, new Map([["mask", [1]]]))).toThrow(
      "encode has no input mask; it takes pixels, row, weights",
    );
    const nothing = program("nothing", {}, () => ({}));
    expect(() => bindSizes(nothing, new Map([["x", []]]))).toThrow("nothing has no input x; it takes none");
    expect(() => bindSizes(vision, new Map([["toString", []]]))).toThrow("has no input toString");
  });
  test("sizes that the shapes leave open", () => {
    const open = program("open", { x: f32(axis("both", addSizes(symbol("a"), symbol("b")))) }, ({ x }) => ({ x }));
    expect(() => bindSizes(open, new Map([["x", [5]]]))).toThrow("open: the shapes do not say how large a, b is");
  });
  test("more than was compiled for; exactly as many are allowed", () => {
    const bind = (most: number) => bindSizes(vision, shapes([3, 8, 12], [8], [4]), {}, { frame: most });
    expect(bind(3)).toMatchObject({ frame: 3 });
    expect(() => bind(2)).toThrow("encode: frame is 3; it was compiled for at most 2");
  });
});
