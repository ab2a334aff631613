import { anyKernel, rmsNorm } from "@hulu/kernels";
import type { DeviceBuffer, DeviceKernel } from "@hulu/planner";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { counted, spied, testDevice } from "../../test/gpu.js";
import { WebgpuDevice } from "./device.js";
import { SharedDevice } from "./shared.js";

const kernel = anyKernel(rmsNorm);
const EPS = 1e-6;
const bytesOf = (...numbers: number[]) => new Uint8Array(Float32Array.from(numbers).buffer);
/** What the kernel gives for rows of two numbers. */
const normed = (...x: number[]) => {
  const { y } = kernel.reference({ rows: x.length / 2, width: 2, eps: EPS }, { x, weight: [1, 1] });
  return Array.from(y!, (v) => expect.closeTo(v, 4) as number);
};

let gpu: GPUDevice;
let shared: SharedDevice;
let ready: DeviceKernel;
let calls: Record<"submit" | "writeBuffer" | "createBindGroup", unknown[][]>;
let count: ReturnType<typeof counted>;
beforeAll(async () => {
  gpu = await testDevice();
  shared = new SharedDevice(gpu, false);
  ready = shared.prepare(kernel);
  count = counted(gpu);
  calls = {
    submit: spied(gpu.queue, "submit"),
    writeBuffer: spied(gpu.queue, "writeBuffer"),
    createBindGroup: spied(gpu, "createBindGroup"),
  };
});

let device: WebgpuDevice;
let x: DeviceBuffer;
let y: DeviceBuffer;
let weight: DeviceBuffer;
beforeEach(() => {
  device = new WebgpuDevice(shared);
  x = device.alloc(64, "x");
  y = device.alloc(64, "y");
  weight = device.alloc(8, "weight");
  device.write(weight, 0, bytesOf(1, 1));
  for (const list of Object.values(calls)) list.length = 0;
});
afterEach(() => device.dispose());

function launch(from: DeviceBuffer, to: DeviceBuffer, rows = 1, with_: DeviceBuffer = weight): void {
  const params = { rows, width: 2, eps: EPS };
  const { variant, preset } = ready;
  for (const one of kernel.launches(params, { variant, preset, limits: device.limits }))
    device.launch(ready, one, params, { x: from, weight: with_, y: to });
}
const floats = async (buffer: DeviceBuffer, from: number, to: number) => {
  const bytes = await device.read(buffer, from * 4, (to - from) * 4);
  return [...new Float32Array(bytes.buffer)];
};

describe("recording", () => {
  test("launches are one submit, and each sees what those before it wrote", async () => {
    device.write(x, 0, bytesOf(3, 4));
    for (let i = 0; i < 100; i++) {
      launch(x, y);
      launch(y, x);
    }
    expect(calls.submit).toHaveLength(0);
    expect(await floats(x, 0, 2)).toEqual(normed(3, 4));
    expect(calls.submit).toHaveLength(1);
    // The numbers, and the uniform blocks of all launches together.
    expect(calls.writeBuffer).toHaveLength(2);
  });

  test("each launch has its own parameters", async () => {
    device.write(x, 0, bytesOf(3, 4, 1, 2, 5, 6));
    launch(x, y, 3);
    launch(x, y, 1);
    device.write(x, 0, bytesOf(7, 8));
    launch(x, y, 1);
    expect(await floats(y, 0, 6)).toEqual(normed(7, 8, 1, 2, 5, 6));
  });

  test("is submitted by itself before it is too long", async () => {
    device.write(x, 0, bytesOf(3, 4));
    for (let i = 0; i < 2500; i++) launch(i % 2 ? y : x, i % 2 ? x : y);
    expect(calls.submit.length).toBe(1);
    expect(await floats(x, 0, 2)).toEqual(normed(3, 4));
    expect(calls.submit.length).toBe(2);
  });

  test("launches of no workgroups are left out", async () => {
    device.write(y, 0, bytesOf(1, 2));
    launch(x, y, 0);
    expect(await floats(y, 0, 2)).toEqual([1, 2]);
  });

  test("settled sends what is recorded, and nothing twice", async () => {
    launch(x, y);
    await device.settled();
    await device.settled();
    expect(calls.submit).toHaveLength(1);
  });
});

describe("kernels", () => {
  test("are compiled ahead or at their first launch, once, for all models on a device", async () => {
    const fresh = new SharedDevice(gpu, false);
    const [now, ahead] = [spied(gpu, "createComputePipeline"), spied(gpu, "createComputePipelineAsync")];
    const [one, two] = [new WebgpuDevice(fresh), new WebgpuDevice(fresh)];
    const prepared = await one.prepare(kernel);
    expect(await two.prepare(kernel)).toBe(prepared);
    await Promise.all([one.compile(prepared, ["main"]), two.compile(prepared, ["main"])]);
    await one.compile(prepared, ["main"]);
    expect([now.length, ahead.length]).toEqual([0, 1]);
    const late = new WebgpuDevice(new SharedDevice(gpu, false));
    const other = await late.prepare(kernel);
    const buffers = { x: late.alloc(8, "x"), weight: late.alloc(8, "weight"), y: late.alloc(8, "y") };
    const launched = { entry: "main", workgroups: [1, 1, 1] } as const;
    for (let i = 0; i < 3; i++) late.launch(other, launched, { rows: 1, width: 2, eps: EPS }, buffers);
    await late.settled();
    expect([now.length, ahead.length]).toEqual([1, 1]);
    late.launch(other, { ...launched, entry: "nothing" }, { rows: 1, width: 2, eps: EPS }, buffers);
    await expect(late.settled()).rejects.toThrow("the GPU refused rms_norm.nothing");
    for (const device of [one, two, late]) device.dispose();
  });
});

describe("the order of writes", () => {
  test("a buffer that the recording uses is written behind it, in the same submit", async () => {
    device.write(x, 0, bytesOf(3, 4));
    launch(x, y);
    const bytes = bytesOf(1, 2);
    device.write(x, 0, bytes);
    bytes.fill(0);
    const z = device.alloc(8, "z");
    launch(x, z);
    expect(calls.submit).toHaveLength(0);
    expect(await floats(y, 0, 2)).toEqual(normed(3, 4));
    expect(await floats(z, 0, 2)).toEqual(normed(1, 2));
  });

  test("so is one that it only copies", async () => {
    device.write(x, 0, bytesOf(3, 4));
    device.copy(x, 0, y, 0, 8);
    device.write(x, 0, bytesOf(1, 2));
    device.write(y, 4, bytesOf(9));
    expect(await floats(y, 0, 2)).toEqual([3, 9]);
    expect(await floats(x, 0, 2)).toEqual([1, 2]);
  });

  test("also when it is too large to wait with the recording", async () => {
    const many = 2 ** 18;
    const large = device.alloc(many * 4, "large");
    device.write(large, 0, bytesOf(3, 4));
    launch(large, y);
    device.write(large, 0, new Uint8Array(new Float32Array(many).fill(2).buffer));
    launch(large, x);
    expect(await floats(y, 0, 2)).toEqual(normed(3, 4));
    expect(await floats(x, 0, 2)).toEqual(normed(2, 2));
    expect(await floats(large, many - 2, many)).toEqual([2, 2]);
  });

  test("another buffer is written at once, with no submit", async () => {
    launch(x, y);
    device.write(device.alloc(8, "other"), 0, bytesOf(1, 2));
    expect(calls.submit).toHaveLength(0);
    expect(calls.writeBuffer).toHaveLength(1);
  });

  test("many bytes are handed on before all are there", () => {
    const large = device.alloc(2 ** 22, "large");
    for (let i = 0; i < 9; i++) device.write(large, 0, new Uint8Array(2 ** 22));
    expect(calls.submit).toHaveLength(2);
  });
});

describe("copies", () => {
  test("go between parts of one buffer too, also where these overlap", async () => {
    device.write(x, 0, bytesOf(1, 2, 3, 4));
    device.copy(x, 0, x, 4, 12);
    expect(await floats(x, 0, 4)).toEqual([1, 1, 2, 3]);
  });
  test("are in order with launches", async () => {
    device.write(x, 0, bytesOf(3, 4));
    launch(x, y);
    device.copy(y, 0, x, 8, 8);
    launch(x, y, 2);
    expect(await floats(x, 2, 4)).toEqual(normed(3, 4));
  });
});

describe("reading", () => {
  test("gives bytes of the caller's own, from anywhere, of any length", async () => {
    const many = 2 ** 19;
    const large = device.alloc(many * 4, "large");
    device.write(large, 0, new Uint8Array(Int32Array.from({ length: many }, (_, i) => i).buffer));
    const part = await device.read(large, 400, 8);
    const all = await device.read(large, 0, many * 4);
    part.fill(0);
    expect([...new Int32Array((await device.read(large, 400, 8)).slice().buffer)]).toEqual([100, 101]);
    expect(new Int32Array(all.buffer)[many - 1]).toBe(many - 1);
    expect(await device.read(large, 0, 0)).toHaveLength(0);
  });

  test("several at once", async () => {
    device.write(x, 0, bytesOf(1, 2, 3, 4));
    const all = await Promise.all([0, 1, 2, 3].map((i) => floats(x, i, i + 1)));
    expect(all.flat()).toEqual([1, 2, 3, 4]);
  });

  test("of a new buffer gives zeros, and its size is what was asked for", async () => {
    const odd = device.alloc(6, "odd");
    expect(odd.bytes).toBe(6);
    expect(await device.read(device.alloc(8, "new"), 0, 8)).toEqual(new Uint8Array(8));
  });
});

describe("bind groups", () => {
  test("are made once for the same buffers, whatever the sizes of the call", async () => {
    for (let i = 1; i < 5; i++) launch(x, y, i);
    expect(calls.createBindGroup).toHaveLength(1);
    await device.settled();
    launch(x, y, 2);
    expect(calls.createBindGroup).toHaveLength(1);
    launch(y, x, 2);
    expect(calls.createBindGroup).toHaveLength(2);
    expect(device.groups).toBe(2);
  });

  test("go with any of their buffers", async () => {
    for (let i = 0; i < 20; i++) {
      const z = device.alloc(64, "z");
      launch(x, z);
      launch(z, y);
      expect(device.groups).toBe(2);
      z.destroy();
      expect(device.groups).toBe(0);
    }
    launch(x, y);
    expect(device.groups).toBe(1);
    await device.settled();
  });
});

describe("buffers", () => {
  test("that are given back serve what was recorded before, and no more", async () => {
    const z = device.alloc(8, "z");
    device.write(x, 0, bytesOf(3, 4));
    launch(x, z);
    launch(z, y);
    z.destroy();
    z.destroy();
    expect(() => launch(z, y)).toThrow("rms_norm: its buffer x (z) was given back");
    expect(() => device.write(z, 0, bytesOf(1))).toThrow("the buffer of z was given back");
    expect(await floats(y, 0, 2)).toEqual(normed(3, 4));
  });

  test("of another model, too small ones and missing ones are refused", () => {
    const other = new WebgpuDevice(shared);
    const foreign = other.alloc(64, "foreign");
    expect(() => launch(foreign, y)).toThrow("rms_norm: its buffer x is of another device");
    expect(() => device.copy(x, 0, foreign, 0, 4)).toThrow("another device");
    expect(() => launch(x, y, 9)).toThrow("rms_norm: its buffer x (x) has 64 bytes, not 72");
    const [one] = kernel.launches({ rows: 1, width: 2, eps: EPS }, { ...ready, limits: device.limits });
    expect(() => device.launch(ready, one!, { rows: 1, width: 2, eps: EPS }, { x, weight })).toThrow(
      "rms_norm: its buffer y was not given; it takes 8 bytes",
    );
    other.dispose();
  });

  test("go with their model, and those of another on the same device stay", async () => {
    const { live, buffers } = count;
    const other = new WebgpuDevice(shared);
    for (let i = 0; i < 5; i++) other.alloc(2 ** 20, "more");
    await other.read(other.alloc(64, "z"), 0, 64);
    expect(count.live).toBeGreaterThan(live + 5 * 2 ** 20);
    other.dispose();
    other.dispose();
    expect([count.live, count.buffers]).toEqual([live, buffers]);
    expect(() => other.alloc(8, "late")).toThrow("the model was disposed of");
    await expect(other.read(x, 0, 8)).rejects.toThrow("the model was disposed of");
    device.write(x, 0, bytesOf(3, 4));
    launch(x, y);
    expect(await floats(y, 0, 2)).toEqual(normed(3, 4));
  });
});
