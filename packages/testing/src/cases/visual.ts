import { axis, fuse, ops } from "@hulu/core";
import { at, nd, total } from "../nd.js";
import { fills } from "../random.js";
import { type OpCase, opCase, rounding } from "./case.js";

const difference = (about: string, frames: readonly [number, number]): OpCase =>
  opCase("frame_difference", about, rounding, {
    sizes: { frame: frames, token: [0, 4], vision: [1, 6] },
    build: (make) => {
      const frame = frames[1] === 1 ? make.fixed("frame") : make.axis("frame");
      const [token, vision] = [make.axis("token"), make.fixed("vision")];
      return {
        inputs: { x: make.f32([frame, token, vision]), before: make.f32([token, vision]) },
        body: ({ x, before }) => ops.frameDifference<string, string, string>(x!, before!),
        direct: ({ x, before }) =>
          nd(x!.shape.slice(0, 2), (f, t) =>
            total(x!.shape[2]!, (v) => Math.abs(at(x!, f, t, v) - (f === 0 ? at(before!, t, v) : at(x!, f - 1, t, v)))),
          ),
      };
    },
  });

export const visualCases: readonly OpCase[] = [
  difference("frames after one before", [1, 4]),
  difference("one frame of a fixed number", [1, 1]),
  opCase("token_merge", "a weighted sum of each window", rounding, {
    features: ["symbolic"],
    sizes: { frame: [1, 3], token: [0, 4], window: [1, 9], vision: [1, 6] },
    build: (make) => {
      const [frame, token, window] = [make.axis("frame"), make.symbol("token"), make.symbol("window")];
      return {
        inputs: {
          x: make.f32([frame, fuse(token, window), make.fixed("vision")]),
          weights: make.f32([window], fills.between(0, 1)),
        },
        body: ({ x, weights }) => ops.tokenMerge<string, string, string, string>(x!, weights!),
        direct: ({ x, weights }) => {
          const n = weights!.shape[0]!;
          return nd([x!.shape[0]!, make.size("token"), x!.shape[2]!], (f, t, v) =>
            total(n, (w) => at(weights!, w) * at(x!, f, t * n + w, v)),
          );
        },
      };
    },
  }),
  opCase("splice", "visual rows among text", rounding, {
    features: ["i32", "batch"],
    sizes: { batch: [1, 2], seq: [0, 6], row: [1, 4], embed: [1, 5] },
    build: (make) => {
      const [batch, seq, embed] = [make.axis("batch"), make.axis("seq"), make.fixed("embed")];
      return {
        inputs: {
          text: make.f32([batch, seq, embed]),
          visual: make.f32([make.symbol("row"), embed]),
          index: make.i32([batch, seq], fills.whole(-1, make.size("row") - 1)),
        },
        body: ({ text, visual, index }) => ops.splice<string, string, string>(text!, visual!, index!),
        direct: ({ text, visual, index }) =>
          nd(text!.shape, (b, s, e) => {
            const i = at(index!, b, s);
            return i < 0 ? at(text!, b, s, e) : at(visual!, i, e);
          }),
      };
    },
  }),
  opCase("where", "a mask of two shapes put over scores", rounding, {
    features: ["bool"],
    sizes: { a: [1, 3], n: [1, 5] },
    build: (make) => {
      const [a, row, key] = [make.axis("a"), axis("row", make.size("n")), axis("key", make.size("n"))];
      return {
        inputs: { x: make.f32([a, row, key]) },
        body: ({ x }) => {
          const square = { dims: [row, key] };
          const seen = ops.less(
            ops.broadcast<string>(ops.iota(key), square),
            ops.add(ops.broadcast<string>(ops.iota(row), square), 1),
          );
          return ops.where(ops.broadcast<string>(seen, x!), x!, -7);
        },
        direct: ({ x }) => nd(x!.shape, (i, r, k) => (k <= r ? at(x!, i, r, k) : -7)),
      };
    },
  }),
];
