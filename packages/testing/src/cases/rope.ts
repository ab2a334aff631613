import { axis, ops } from "@hulu/core";
import { at, type Bound, nd } from "../nd.js";
import { fills } from "../random.js";
import { type OpCase, opCase, rounding } from "./case.js";

const turning: Bound = {
  abs: 0,
  rel: 2e-6,
  why: "frequencies are held in float32, and the exponent of theta is rounded before: 14 x 6e-8",
};

const angles = (theta: number): OpCase =>
  opCase("rope_angles", `theta ${theta}`, turning, {
    features: ["i32"],
    sizes: { seq: [0, 6], n: [1, 9] },
    exact: false,
    build: (make) => ({
      inputs: { at: make.i32([make.axis("seq")], fills.whole(0, 999)) },
      body: ({ at: positions }) => ops.ropeAngles<string, string>(positions!, theta, axis("rot", make.size("n"))),
      direct: ({ at: positions }) => {
        const n = make.size("n");
        return nd([positions!.shape[0]!, n], (s, j) => at(positions!, s) / theta ** (j / n));
      },
    }),
  });

/** What it means to stretch: slow turns are divided by the factor, quick ones stay, those between are mixed. */
const stretched = (frequency: number): number => {
  const turns = (64 * frequency) / (2 * Math.PI);
  const kept = Math.min(1, Math.max(0, (turns - 1) / (4 - 1)));
  return kept * frequency + ((1 - kept) * frequency) / 8;
};
const stretching: OpCase = opCase(
  "rope_angles",
  "stretched as Llama 3.1's",
  { ...turning, rel: 1e-5, why: "as without stretching, and the share that is kept loses up to three bits" },
  {
    features: ["i32"],
    sizes: { seq: [0, 6], n: [1, 9] },
    exact: false,
    build: (make) => ({
      inputs: { at: make.i32([make.axis("seq")], fills.whole(0, 999)) },
      body: ({ at: positions }) => {
        const scaling = { factor: 8, lowFrequency: 1, highFrequency: 4, positions: 64 };
        return ops.ropeAngles<string, string>(positions!, 10_000, axis("rot", make.size("n")), scaling);
      },
      direct: ({ at: positions }) => {
        const n = make.size("n");
        return nd([positions!.shape[0]!, n], (s, j) => at(positions!, s) * stretched(10_000 ** (-j / n)));
      },
    }),
  },
);

/** A pair of a head's numbers is a complex number, and turning it is a product. */
const rotation = (pairing: "half" | "interleaved"): OpCase =>
  opCase("rotate", `pairs ${pairing}`, rounding, {
    features: ["batch"],
    sizes: { batch: [1, 2], seq: [0, 4], head: [1, 3], half: [1, 10] },
    build: (make) => {
      const [batch, seq, head] = [make.axis("batch"), make.axis("seq"), make.fixed("head")];
      const half = make.size("half");
      const [dim, rot] = [axis("dim", 2 * half), axis("rot", half)];
      return {
        inputs: { x: make.f32([batch, seq, head, dim]), cos: make.f32([seq, rot]), sin: make.f32([seq, rot]) },
        body: ({ x, cos, sin }) => ops.rotate<string, string, string, string>(x!, cos!, sin!, pairing),
        direct: ({ x, cos, sin }) =>
          nd(x!.shape, (b, s, h, d) => {
            const [pair, imaginary] = pairing === "half" ? [d % half, d >= half] : [d >> 1, d % 2 === 1];
            const [re, im] = (pairing === "half" ? [pair, pair + half] : [2 * pair, 2 * pair + 1]).map((i) =>
              at(x!, b, s, h, i),
            ) as [number, number];
            const [c, i] = [at(cos!, s, pair), at(sin!, s, pair)];
            return imaginary ? re * i + im * c : re * c - im * i;
          }),
      };
    },
  });

export const ropeCases: readonly OpCase[] = [
  angles(10),
  angles(10_000),
  angles(1e6),
  stretching,
  rotation("half"),
  rotation("interleaved"),
];
