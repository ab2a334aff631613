import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { help, nearest, type Options, parseOptions } from "./options.js";

const options: Options = {
  image: { type: "string", value: "FILE", multiple: true, help: "a picture" },
  volume: { type: "string", value: "FILE", multiple: true, help: "a volume" },
  "max-tokens": { type: "string", value: "N", help: "a limit" },
  mode: { type: "string", help: "a mode" },
  json: { type: "boolean", help: "as JSON" },
};
const parse = (...args: string[]) => parseOptions(args, options);

describe("a command line", () => {
  test.each([
    ["8GB", 8e9],
    ["8 gb", 8e9],
    ["1.5MB", 1_500_000],
    ["2GiB", 2 * 2 ** 30],
    ["3KiB", 3072],
    ["4kB", 4000],
    ["1TB", 1e12],
    ["12B", 12],
  ])("%s is a size", (given, bytes) => {
    expect(parse("--mode", given).bytes("mode")).toBe(bytes);
    expect(parse().bytes("mode")).toBeUndefined();
  });

  test.each(["8", "GB", "-1GB", "0GB", "0.1B", "8GBs", "1e9B", "8XB", "", "9999999999TB"])("%j is no size", (given) => {
    expect(() => parse("--mode", given).bytes("mode")).toThrow(
      `--mode is "${given}"; it must be a size with its unit, such as 8GB, 500MB or 2GiB`,
    );
  });

  test("keeps the order of its files, whatever stands between them", () => {
    const parsed = parse("--volume", "a", "hi", "--image=b", "--json", "--volume", "c");
    expect(parsed.order.map(({ name, value }) => [name, value])).toEqual([
      ["volume", "a"],
      ["image", "b"],
      ["json", undefined],
      ["volume", "c"],
    ]);
    expect(parsed.positionals).toEqual(["hi"]);
    expect(["volume", "image", "json", "mode"].map(parsed.texts)).toEqual([["a", "c"], ["b"], [], []]);
    expect([parsed.flag("json"), parsed.flag("image"), parsed.text("mode")]).toEqual([true, true, undefined]);
  });

  test("takes what stands behind -- as text", () => {
    expect(parse("--json", "--", "--image").positionals).toEqual(["--image"]);
  });

  test.each([
    [["--imge", "x"], "there is no option --imge; did you mean --image?"],
    [["--maxtokens=3"], "there is no option --maxtokens; did you mean --max-tokens?"],
    [["--zzzzzzzzzzzz"], "there is no option --zzzzzzzzzzzz"],
    [["-x"], /^there is no option -x$/],
    [["-v"], /^there is no option -v; did you mean --volume\?$/],
    [["-m", "x"], /^there is no option -m; did you mean --max-tokens\?$/],
    [["-j"], /^there is no option -j; did you mean --json\?$/],
    [["--image"], "--image needs a value: --image FILE"],
    [["--image", "--json"], "--image needs a value: --image FILE"],
    [["--mode"], "--mode needs a value: --mode VALUE"],
    [["--json=yes"], "--json takes no value"],
    [["--mode", "a", "--mode", "b"], "--mode is given twice"],
    [["--constructor", "1"], /^there is no option --constructor/],
  ])("%j is refused", (args, message) => {
    expect(() => parse(...args)).toThrow(message);
    expect(() => parse(...args)).toThrow(expect.objectContaining({ name: "UsageError" }));
  });

  test("reads numbers and names, and says what they may be", () => {
    expect(parse("--max-tokens", "12").count("max-tokens")).toBe(12);
    expect(parse().count("max-tokens")).toBeUndefined();
    expect(parse("--max-tokens", "0").count("max-tokens", 0)).toBe(0);
    for (const bad of ["0", "1.5", "x", "", " ", "Infinity", "-3", "1e99"])
      expect(() => parse(`--max-tokens=${bad}`).count("max-tokens"), bad).toThrow("a whole number of at least 1");
    expect(parse("--mode", "b").oneOf("mode", ["a", "b"])).toBe("b");
    expect(() => parse("--mode", "c").oneOf("mode", ["a", "b"])).toThrow('--mode is "c"; it must be one of a, b');
    expect(parse("--mode", "-0.5").number("mode", (n) => n < 0, "below 0")).toBe(-0.5);
  });
});

test("the nearest word is the one with the fewest edits", () => {
  expect(nearest("asc", ["ask", "inspect", "verify"])).toBe("ask");
  expect(nearest("insepct", ["ask", "inspect", "verify"])).toBe("inspect");
  expect(nearest("quantize", ["ask", "inspect", "verify"])).toBeUndefined();
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1 }), fc.nat(), (words, i) => {
      const word = words[i % words.length]!;
      return nearest(word, words) === word;
    }),
  );
});

describe("the nearest word takes at most half its letters in edits, and two in any case", () => {
  test.each([
    ["inspect", "inspXXXX", true],
    ["inspect", "inXXXXX", false],
    ["inspect", "XXXXinspect", true],
    ["inspect", "XXXXXinspect", false],
    ["inspect", "inspectXXXX", true],
    ["inspect", "inspectXXXXX", false],
    ["inspect", "ins", true],
    ["inspect", "in", false],
    ["inspect", "ect", true],
    ["inspect", "ct", false],
    ["inspects", "inspXXXX", true],
    ["inspects", "insXXXXX", false],
    ["ab", "", true],
    ["ab", "xy", true],
    ["ab", "xyz", false],
    ["a", "xy", true],
    ["a", "xyz", false],
    ["ask", "axx", true],
    ["ask", "xxx", false],
  ])("%s for %s: %s", (known, word, near) => {
    expect(nearest(word, [known])).toBe(near ? known : undefined);
  });

  test("whatever the order of the known, and the first of two that are as near", () => {
    expect(nearest("verift", ["inspect", "verify"])).toBe("verify");
    expect(nearest("verift", ["verify", "inspect"])).toBe("verify");
    expect(nearest("ac", ["ab", "ad"])).toBe("ab");
    expect(nearest("ac", [])).toBeUndefined();
  });
});

test("the help names every option", () => {
  expect(help("hulu x [options]", "Does x.", options)).toMatchInlineSnapshot(`
    "usage: hulu x [options]

    Does x.

      --image FILE    a picture
      --volume FILE   a volume
      --max-tokens N  a limit
      --mode VALUE    a mode
      --json          as JSON
    "
  `);
});
