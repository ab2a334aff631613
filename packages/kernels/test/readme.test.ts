import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { kernels } from "@hulu/kernels";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { testDevice } from "./device.js";
import { block, readme, rowOf } from "./readme.js";

test("every kernel has its row in the README's table, and no other has one", () => {
  // The formatter fills up columns.
  const plain = (row: string) => row.replace(/\s+/g, " ");
  const rows = readme.split("\n").filter((line) => /^\| `/.test(line));
  expect(rows.map(plain).sort()).toEqual(kernels.map(rowOf).map(plain).sort());
});

describe("the README's code runs as it stands", () => {
  const folder = fileURLToPath(new URL(`../../../.cache/kernels-readme/${process.pid}/`, import.meta.url));
  let device: GPUDevice;
  beforeAll(async () => {
    mkdirSync(folder, { recursive: true });
    device = await testDevice();
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
    vi.unstubAllGlobals();
  });

  /** As a module of its own, which finds these by name. */
  async function run(info: string, globals: Readonly<Record<string, unknown>>): Promise<string> {
    for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
    const file = `${folder}${info.replaceAll(" ", "-")}.js`;
    writeFileSync(file, block(info));
    let printed = "";
    const spy = vi.spyOn(console, "log").mockImplementation((...args) => {
      printed += args.map((arg) => (ArrayBuffer.isView(arg) ? [...(arg as Float32Array)].join(" ") : arg)).join(" ");
    });
    await import(/* @vite-ignore */ file).finally(() => spy.mockRestore());
    return printed;
  }

  test("in a page", async () => {
    const gpu = { requestAdapter: async () => ({ requestDevice: async () => device }) };
    const numbers = (await run("in a page", { navigator: { gpu } })).split(" ").map((n) => Number(n).toFixed(3));
    const [, said] = /Float32Array \[(.*)\]/.exec(block("in a page"))!;
    expect(numbers).toEqual(said!.split(", ").map((n) => Number(n).toFixed(3)));
    // Ten lines, as a stranger counts them.
    expect(block("in a page").trim().split("\n").filter(Boolean).length).toBeLessThanOrEqual(10);
  });

  test("with buffers of your own", async () => {
    const [STORAGE, COPY_SRC, COPY_DST, MAP_READ, UNIFORM] = [128, 4, 8, 1, 64];
    const buffer = (numbers: readonly number[]) => {
      const made = device.createBuffer({ size: 32, usage: STORAGE | COPY_SRC | COPY_DST });
      device.queue.writeBuffer(made, 0, Float32Array.from(numbers));
      return made;
    };
    const [x, weight, y] = [buffer([1, 2, 2, -3, 0, 3]), buffer([1, 1, 10]), buffer([])];
    const encoder = device.createCommandEncoder();
    await run("with buffers of your own", {
      ...{ device, encoder, x, weight, y },
      GPUBufferUsage: { UNIFORM, COPY_DST },
    });
    const read = device.createBuffer({ size: 24, usage: MAP_READ | COPY_DST });
    encoder.copyBufferToBuffer(y, 0, read, 0, 24);
    device.queue.submit([encoder.finish()]);
    await read.mapAsync(1);
    const numbers = [...new Float32Array(read.getMappedRange())].map((n) => n.toFixed(3));
    expect(numbers).toEqual(["0.577", "1.155", "11.547", "-1.225", "0.000", "12.247"]);
  });

  test("testing a kernel on a device", async () => {
    expect(await run("on a device", { device })).toBe("");
  });

  test("a runner of your own", async () => {
    expect(await run("of your own", {})).toBe("");
  });
});
