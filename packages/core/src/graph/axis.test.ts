import { describe, expect, test } from "vitest";
import { atoms, axis, fuse, namesOf, printDims } from "./axis.js";
import { printSize, symbol } from "./size.js";

const seq = axis("seq", symbol("seq"));
const [head, dim, rest] = [axis("head", 3), axis("dim", 20), axis("rest", 2)];

describe("an axis", () => {
  test.each(["", "a b", "a*b", "1st", "_x", "head-dim"])("is not called %j", (name) => {
    expect(() => axis(name, 1)).toThrow(new RangeError(`an axis name is one plain word, not "${name}"`));
  });
  test("may have a prime: the second name of one width", () => expect(axis("embed'", 4).name).toBe("embed'"));
  test.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])("has no size of %d", (size) => {
    expect(() => axis("x", size)).toThrow(`axis x needs a size of zero or more whole elements, not ${size}`);
  });
  test("may be empty", () => expect(axis("x", 0).size).toBe(0));
  test("cannot be changed", () => {
    expect(Object.isFrozen(head)).toBe(true);
    expect(Object.isFrozen(fuse(head, dim))).toBe(true);
    expect(Object.isFrozen(fuse(head, dim).parts)).toBe(true);
  });
});

describe("fusing", () => {
  test("multiplies sizes and keeps the parts, last one fastest", () => {
    const fused = fuse(head, dim);
    expect([fused.name, fused.size]).toEqual(["head*dim", 60]);
    expect(atoms(fused)).toEqual([head, dim]);
    expect(printSize(fuse(seq, head).size)).toBe("3*seq");
  });
  test("flattens what is fused already", () => {
    const three = fuse(fuse(head, dim), rest);
    expect(three.name).toBe("head*dim*rest");
    expect(atoms(three)).toEqual([head, dim, rest]);
  });
  test("of one axis is that axis", () => {
    expect(fuse(head)).toEqual(head);
    expect(fuse(fuse(head, dim))).toEqual(fuse(head, dim));
  });
  test("of an axis with itself is refused", () => {
    expect(() => fuse(head, head)).toThrow("an axis cannot be fused with itself: head*head");
    expect(() => fuse(fuse(head, dim), dim)).toThrow("head*dim*dim");
  });
});

test("dims are printed with the sizes that their names do not tell", () => {
  expect(printDims([seq, head, axis("ctx", symbol("past"))])).toBe("seq head=3 ctx=past");
  expect(printDims([])).toBe("");
  expect(namesOf([seq, fuse(head, dim)])).toBe("seq head*dim");
});
