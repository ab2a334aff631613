import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seededRandom } from "./random.js";
import { argmax, sampler } from "./sample.js";
import { StopStrings } from "./stop.js";

const logits = Float32Array.of(1, 3, 2, 3, -1);
const none = { ids: [], generated: [] };
/** How often each token is drawn. */
function shares(options: Parameters<typeof sampler>[0], given: Float32Array = logits, draws = 4000): number[] {
  const choose = sampler({ seed: 11, ...options });
  const counts = new Array<number>(given.length).fill(0);
  for (let i = 0; i < draws; i++) counts[choose(given, none)]!++;
  return counts.map((n) => n / draws);
}
const softmax = (x: readonly number[]) => {
  const e = x.map(Math.exp);
  const sum = e.reduce((a, b) => a + b);
  return e.map((v) => v / sum);
};
const near = (found: number[], wanted: number[]) => {
  for (const [i, w] of wanted.entries())
    expect(Math.abs(found[i]! - w), `token ${i}: ${found[i]} for ${w}`).toBeLessThan(0.03);
};

describe("greedy", () => {
  test("takes the first of the largest, whatever the seed", () => {
    expect(sampler()(logits, none)).toBe(1);
    expect(sampler({ temperature: 0, topK: 1, seed: 5 })(logits, none)).toBe(1);
    expect(argmax([Number.NaN, -5, Number.NEGATIVE_INFINITY])).toBe(1);
    expect(argmax([Number.POSITIVE_INFINITY, 1])).toBe(0);
  });

  test("says so when there is nothing to take", () => {
    for (const nothing of [[], [Number.NEGATIVE_INFINITY], [Number.NaN, Number.NaN]]) {
      expect(() => argmax(nothing)).toThrow("no token can be chosen");
      expect(() => sampler({ temperature: 1 })(Float32Array.from(nothing), none)).toThrow(
        expect.objectContaining({ name: "GenerationError" }),
      );
    }
  });
});

describe("sampling", () => {
  test("draws by the softmax of the logits over the temperature", () => {
    near(shares({ temperature: 1 }), softmax([1, 3, 2, 3, -1]));
    near(shares({ temperature: 2 }), softmax([0.5, 1.5, 1, 1.5, -0.5]));
    near(shares({ temperature: 0.5 }), softmax([2, 6, 4, 6, -2]));
  });

  test("top-k keeps the k likeliest, and those that tie with the last of them", () => {
    near(shares({ temperature: 1, topK: 3 }), [0, ...softmax([3, 2, 3]), 0]);
    near(shares({ temperature: 1, topK: 1 }), [0, 0.5, 0, 0.5, 0]);
    near(shares({ temperature: 1, topK: 99 }), softmax([1, 3, 2, 3, -1]));
  });

  test("top-p keeps the fewest that make up p", () => {
    const given = Float32Array.from([0.5, 0.3, 0.15, 0.05].map(Math.log));
    near(shares({ temperature: 1, topP: 0.5 }, given), [1, 0, 0, 0]);
    near(shares({ temperature: 1, topP: 0.6 }, given), [0.625, 0.375, 0, 0]);
    near(shares({ temperature: 1, topP: 0.81 }, given), [0.5 / 0.95, 0.3 / 0.95, 0.15 / 0.95, 0]);
    near(shares({ temperature: 1, topP: 1 }, given), [0.5, 0.3, 0.15, 0.05]);
  });

  test("the temperature comes before top-p", () => {
    const given = Float32Array.from([0.5, 0.3, 0.2].map(Math.log));
    // Over a temperature of 0.5 the shares are 25 : 9 : 4, of which the first makes up 0.658.
    near(shares({ temperature: 0.5, topP: 0.65 }, given), [1, 0, 0]);
  });

  test("the repetition penalty divides what is above zero and multiplies what is below, once for a token", () => {
    const choose = sampler({ repetitionPenalty: 2 });
    expect(choose(Float32Array.of(3, 2, -1), { ids: [0, 1, 2], generated: [0] })).toBe(1);
    expect(choose(Float32Array.of(3, 1, -1), { ids: [0, 1, 2], generated: [0, 0, 0] })).toBe(0);
    expect(choose(Float32Array.of(-3, -2, -9), { ids: [0, 1, 2], generated: [1] })).toBe(0);
    expect(choose(Float32Array.of(3, 2, -1), { ids: [0, 1, 2], generated: [99, -1] })).toBe(0);
  });

  test("the hook sees the ids, and what it changes counts, but only there", () => {
    const given = Float32Array.of(1, 2, 3);
    const seen: number[][] = [];
    const choose = sampler({
      processLogits: (x, { ids }) => {
        seen.push([...ids]);
        x[2] = Number.NEGATIVE_INFINITY;
      },
    });
    expect(choose(given, { ids: [4, 5], generated: [5] })).toBe(1);
    expect(seen).toEqual([[4, 5]]);
    expect([...given]).toEqual([1, 2, 3]);
  });

  test("a seed gives the same tokens, another one others", () => {
    const draw = (seed: number) => {
      const choose = sampler({ temperature: 1, seed });
      return Array.from({ length: 40 }, () => choose(logits, none));
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  test("random numbers lie in [0, 1), evenly", () => {
    const random = seededRandom(3);
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < 20_000; i++) {
      const x = random();
      expect(x >= 0 && x < 1).toBe(true);
      counts[Math.floor(x * 10)]!++;
    }
    for (const n of counts) expect(Math.abs(n - 2000)).toBeLessThan(200);
    // The first numbers of a seed: a change of the generator changes everybody's seeded answers.
    const first = seededRandom(42);
    expect([first(), first(), first()]).toMatchInlineSnapshot(`
      [
        0.12848330102860928,
        0.03353364090435207,
        0.07509804493747652,
      ]
    `);
  });

  test.each([
    { temperature: -0.1 },
    { temperature: Number.NaN },
    { temperature: Number.POSITIVE_INFINITY },
    { topK: 0 },
    { topK: 1.5 },
    { topP: 0 },
    { topP: 1.01 },
    { repetitionPenalty: 0 },
    { repetitionPenalty: Number.NaN },
    { seed: 0.5 },
  ])("%j is out of range", (options) => {
    expect(() => sampler(options)).toThrow(/is .*; it must be /);
    expect(() => sampler(options)).toThrow(expect.objectContaining({ name: "GenerationError" }));
  });
});

describe("stop strings", () => {
  test("end a text, however it is cut into pieces", () => {
    const text = fc.array(fc.constantFrom("a", "b", "ab", "X", "XY", "Z"), { maxLength: 12 });
    const stops = fc.uniqueArray(fc.constantFrom("XYZ", "XX", "abab", "Z", ""), { maxLength: 3 });
    fc.assert(
      fc.property(text, stops, (pieces, strings) => {
        const whole = pieces.join("");
        // The stop that is complete first: the shortest beginning of the text that holds one decides.
        let end = whole.length;
        let stopped = false;
        for (let n = 0; n <= whole.length && !stopped; n++)
          for (const s of strings)
            if (s !== "" && whole.slice(0, n).includes(s)) {
              end = Math.min(end, whole.slice(0, n).indexOf(s));
              stopped = true;
            }
        const watch = new StopStrings(strings);
        let shown = "";
        for (const c of whole) shown += watch.push(c);
        shown += watch.end();
        expect([shown, watch.stopped]).toEqual([whole.slice(0, end), stopped]);
      }),
      { numRuns: 500 },
    );
  });

  test("hold back only what may become one", () => {
    const watch = new StopStrings(["STOP"]);
    expect(watch.push("go ST")).toBe("go ");
    expect(watch.push("O")).toBe("");
    expect(watch.push("RM")).toBe("STORM");
    expect(watch.push("S")).toBe("");
    expect(watch.end()).toBe("S");
    expect(watch.push("a STOP b")).toBe("a ");
    expect([watch.push("more"), watch.end(), watch.stopped]).toEqual(["", "", true]);
  });
});
