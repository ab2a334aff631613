import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  addSizes,
  divideSizes,
  type Env,
  evaluate,
  multiplySizes,
  printSize,
  type Size,
  sameSize,
  solve,
  subtractSizes,
  symbol,
  symbolsOf,
} from "./size.js";

const [a, b, c] = ["a", "b", "c"].map(symbol) as [Size, Size, Size];
/** Polynomials of a, b and c, made in every way that they can be. */
const { size: sizes } = fc.letrec<{ size: Size }>((tie) => ({
  size: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.integer({ min: -5, max: 9 }),
    fc.constantFrom(a, b, c),
    fc.tuple(tie("size"), tie("size")).map(([x, y]) => addSizes(x, y)),
    fc.tuple(tie("size"), tie("size")).map(([x, y]) => subtractSizes(x, y)),
    fc.tuple(tie("size"), tie("size")).map(([x, y]) => multiplySizes(x, y)),
  ),
}));
const envs: fc.Arbitrary<Env> = fc.record({ a: fc.nat(9), b: fc.nat(9), c: fc.nat(9) });
const settings = { seed: 1, numRuns: 200 };

describe("sizes are polynomials", () => {
  test("evaluating goes through sums, differences and products", () => {
    fc.assert(
      fc.property(sizes, sizes, envs, (x, y, env) => {
        const [ex, ey] = [evaluate(x, env), evaluate(y, env)];
        expect(evaluate(addSizes(x, y), env)).toBe(ex + ey);
        expect(evaluate(subtractSizes(x, y), env)).toBe(ex - ey);
        expect(evaluate(multiplySizes(x, y), env)).toBe(ex * ey || 0);
      }),
      settings,
    );
  });
  test("two are the same when they are equal whatever the symbols stand for", () => {
    fc.assert(
      fc.property(sizes, sizes, sizes, (x, y, z) => {
        expect(sameSize(addSizes(x, y), addSizes(y, x))).toBe(true);
        expect(sameSize(multiplySizes(x, addSizes(y, z)), addSizes(multiplySizes(x, y), multiplySizes(x, z)))).toBe(
          true,
        );
        expect(subtractSizes(x, x)).toBe(0);
        // One more is never the same.
        expect(sameSize(x, addSizes(x, 1))).toBe(false);
        expect(sameSize(x, addSizes(x, a))).toBe(false);
      }),
      settings,
    );
  });
  test("what has no symbol is a number", () => {
    expect(subtractSizes(addSizes(a, 3), a)).toBe(3);
    expect(multiplySizes(a, 0)).toBe(0);
    expect(multiplySizes()).toBe(1);
    expect(addSizes(2, 3)).toBe(5);
  });
  test("dividing undoes a product with one term", () => {
    const terms = fc
      .tuple(fc.integer({ min: 1, max: 6 }), fc.subarray([a, b, c]))
      .map(([n, s]) => multiplySizes(n, ...s));
    fc.assert(
      fc.property(sizes, terms, (x, term) => {
        expect(sameSize(divideSizes(multiplySizes(x, term), term), x)).toBe(true);
      }),
      settings,
    );
    expect(divideSizes(addSizes(a, b), addSizes(a, b))).toBe(1);
    expect(divideSizes(0, 3)).toBe(0);
  });
  test.each([
    [7, 2, "7 does not divide by 2"],
    [7, 0, "7 does not divide by 0"],
    [0, 0, "0 does not divide by 0"],
    [a, b, "a does not divide by b"],
    [addSizes(a, 1), a, "1+a does not divide by a"],
    [a, addSizes(a, 1), "a does not divide by 1+a"],
    [a, multiplySizes(a, a), "a does not divide by a*a"],
    [multiplySizes(3, a), multiplySizes(2, a), "3*a does not divide by 2*a"],
  ])("%j / %j is refused", (x, y, says) => expect(() => divideSizes(x, y)).toThrow(new RangeError(says)));

  test("printed with the constant first and symbols in order", () => {
    expect(printSize(addSizes(multiplySizes(2, b, a), subtractSizes(c, 4)))).toBe("-4+2*a*b+c");
    expect(printSize(subtractSizes(3, a))).toBe("3-1*a");
    expect(printSize(a)).toBe("a");
    expect(printSize(12)).toBe("12");
  });
  test("the symbols of a size", () => {
    expect(symbolsOf(addSizes(multiplySizes(a, b), multiplySizes(b, c, 2)))).toEqual(["a", "b", "c"]);
    expect(symbolsOf(5)).toEqual([]);
  });
  test("a symbol is a plain word", () => {
    for (const name of ["", "2d", "a*b", "a b", "a+b", "é"])
      expect(() => symbol(name)).toThrow(new RangeError(`a size symbol is a plain word, not "${name}"`));
    expect(printSize(symbol("Seq_2"))).toBe("Seq_2");
  });
  test("a size cannot be changed", () => {
    expect(Object.isFrozen(a)).toBe(true);
    expect(Object.isFrozen((a as { terms: object }).terms)).toBe(true);
  });
  test("evaluating needs every symbol", () => {
    expect(() => evaluate(addSizes(a, b), { a: 1 })).toThrow(
      new RangeError("the size a+b needs b, which nothing has set"),
    );
  });
});

describe("solving for the one symbol that is open", () => {
  test("finds what it stands for", () => {
    fc.assert(
      fc.property(sizes, envs, (x, env) => {
        const { a: wanted, ...rest } = env;
        const solved = solve(x, evaluate(x, env), rest);
        if (solved === undefined) return; // a is not in it, or not linearly
        expect(solved.symbol).toBe("a");
        const slope = evaluate(x, { ...env, a: wanted! + 1 }) - evaluate(x, env);
        if (slope !== 0) expect(solved.value).toBe(wanted);
      }),
      settings,
    );
  });
  test("has nothing to say where none or two are open, or a power", () => {
    expect(solve(addSizes(a, b), 5, {})).toBeUndefined();
    expect(solve(addSizes(a, b), 5, { a: 1, b: 4 })).toBeUndefined();
    expect(solve(7, 7, {})).toBeUndefined();
    expect(solve(multiplySizes(a, a), 9, {})).toBeUndefined();
  });
  test("gives NaN where no whole number fits", () => {
    const openA = (x: Size, value: number, env: Env = {}) => solve(x, value, env);
    expect(openA(addSizes(a, 3), 5)).toEqual({ symbol: "a", value: 2 });
    expect(openA(addSizes(a, 3), 3)).toEqual({ symbol: "a", value: 0 });
    expect(openA(addSizes(a, 3), 2)).toEqual({ symbol: "a", value: Number.NaN });
    expect(openA(multiplySizes(a, 2), 5)).toEqual({ symbol: "a", value: Number.NaN });
    expect(openA(multiplySizes(a, b), 6, { b: 3 })).toEqual({ symbol: "a", value: 2 });
    expect(openA(multiplySizes(a, b), 6, { b: 0 })).toEqual({ symbol: "a", value: Number.NaN });
  });
});
