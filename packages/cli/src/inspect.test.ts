import { readFile } from "node:fs/promises";
import { describe, expect, test, vi } from "vitest";
import { hulu } from "../test/run.js";

const closed = vi.hoisted(() => ({ times: 0 }));
vi.mock("@hulu/engine", async (original) => {
  const engine = await original<typeof import("@hulu/engine")>();
  return {
    ...engine,
    openModel: async (...args: Parameters<typeof engine.openModel>) => {
      const checkpoint = await engine.openModel(...args);
      const stored = new Proxy(checkpoint.stored, {
        get: (target, name) =>
          name === "close"
            ? async () => {
                closed.times++;
                await target.close();
              }
            : Reflect.get(target, name, target),
      });
      return { ...checkpoint, stored };
    },
  };
});

const model = "test/data/goldens/q3-p16";

describe("hulu inspect", () => {
  test.each([[[]], [["--params"]], [["--json"]], [["--graph", "step"]]])("closes what it opened: %j", async (args) => {
    closed.times = 0;
    expect((await hulu(["inspect", model, ...args])).code).toBe(0);
    expect(closed.times).toBe(1);
  });

  test("prints a field a line, words as they are and the rest as JSON", async () => {
    const lines = (await hulu(["inspect", model])).out.split("\n");
    expect(lines[0]).toBe("layout            transformers");
    expect(lines.find((l) => l.startsWith("decoder "))).toMatch(/^decoder {11}\{"family":"qwen3",.*\}$/);
    expect(lines.at(-2)).toBe("parameters        447,960 in 91 tensors");
  });

  test("closes it when there is no such program", async () => {
    closed.times = 0;
    const { code, out, notes } = await hulu(["inspect", model, "--graph", "toString"]);
    expect([code, out]).toEqual([2, ""]);
    expect(notes).toContain("there is no program toString; there are encodeVision");
    expect(closed.times).toBe(1);
  });

  test("foretells the memory, of what is asked for", async () => {
    const { out } = await hulu(["inspect", model, "--context-length", "512", "--patches", "0"]);
    expect(out).toMatch(/^memory {12}at most [\d.]+ MB: 1.8 MB weights, .* for 512 positions, .* for the runs, /m);
    const { memory } = JSON.parse((await hulu(["inspect", model, "--json", "--backend", "reference"])).out);
    expect(memory).toMatchObject({ weights: 447_960 * 8, contextLength: 32_768, patches: 16_384 });
  });

  test("takes one checkpoint", async () => {
    for (const args of [
      [model, model],
      ["--model", model, model],
    ]) {
      const { code, notes } = await hulu(["inspect", ...args]);
      expect([code, notes]).toEqual([2, "hulu: UsageError: one checkpoint is inspected, not 2\n"]);
    }
    expect((await hulu(["inspect"])).notes).toContain("inspect needs FILE..., or --model SOURCE");
  });
});

test("hulu --version is the package's", async () => {
  const { version } = JSON.parse(await readFile("packages/cli/package.json", "utf8"));
  expect((await hulu(["--version"])).out).toBe(`${version}\n`);
});

test("hulu ask refuses a model that takes more than --max-memory", async () => {
  const asked = ["ask", "--model", model, "--context-length", "512", "--patches", "0", "hi"];
  const { code, out, notes } = await hulu([...asked, "--max-memory", "1MB"]);
  expect([code, out]).toEqual([1, ""]);
  expect(notes).toMatch(/^hulu: EngineError \(memory-exceeded\): the model needs [\d.]+ MB, the limit is 1 MB: /);
  expect((await hulu([...asked, "--max-memory", "1"])).notes).toContain("a size with its unit, such as 8GB");
});
