import { reference } from "@hulu/backend-reference";
import type { Backend, Executable, Programs, WeightSource } from "@hulu/core";
import { DeviceError } from "@hulu/planner";
import { maxAbs, watched } from "@hulu/testing";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { counted, spied, testDevice, testGpu } from "../test/gpu.js";
import { small, smallFeed, smallWeights, withMatrix } from "../test/small.js";
import { webgpu, webgpuBackend } from "./index.js";

let gpu: GPU;
beforeAll(async () => {
  gpu = await testGpu();
});
afterEach(() => vi.unstubAllGlobals());

const outputOf = async (executable: Executable, rows = 3) => {
  const { y } = await executable.run("run", smallFeed(rows));
  const numbers = await y!.read();
  y!.dispose();
  return numbers;
};
const expected = async (weights: WeightSource, programs: Programs = small) =>
  outputOf(await reference.compile(programs, weights));
const failure = (backend: Backend, weights = smallWeights(), programs: Programs = small) =>
  backend.compile(programs, weights).then(
    () => undefined,
    (error: unknown) => error,
  );

describe("what there must be", () => {
  test("an adapter", async () => {
    const none = { requestAdapter: async () => null } as unknown as GPU;
    expect(await failure(webgpuBackend({ gpu: none }))).toMatchObject({ name: "WebgpuError", code: "no-adapter" });
    const broken = { requestAdapter: () => Promise.reject(new Error("the driver is too old")) } as unknown as GPU;
    const error = await failure(webgpuBackend({ gpu: broken }));
    expect(error).toMatchObject({ code: "no-adapter", message: expect.stringContaining("the driver is too old") });
  });

  test("in a page, navigator.gpu", async () => {
    vi.stubGlobal("navigator", {});
    vi.stubGlobal("process", undefined);
    const error = await failure(webgpuBackend());
    vi.unstubAllGlobals();
    expect(error).toMatchObject({ name: "WebgpuError", code: "no-webgpu" });
  });

  test("an adapter that comes later is found", async () => {
    let there = false;
    const later = { requestAdapter: async () => (there ? gpu.requestAdapter() : null) } as unknown as GPU;
    const backend = webgpuBackend({ gpu: later });
    expect(await failure(backend)).toMatchObject({ code: "no-adapter" });
    there = true;
    (await backend.compile(small, smallWeights())).dispose();
  });
});

describe("options", () => {
  test("that cannot be are refused at once", () => {
    expect(() => webgpuBackend({ weights: "int2" as "int4" })).toThrow(
      new RangeError("weights are stored, f32, f16, int8, int4, not int2"),
    );
    expect(() => webgpuBackend({ maxBytes: 0 })).toThrow(RangeError);
    expect(() => webgpuBackend({ maxBytes: Number.NaN })).toThrow(RangeError);
  });

  test("a function of weights sees each matrix, and no other weight", async () => {
    const asked: unknown[] = [];
    const weights = (...of: unknown[]) => {
      asked.push(of);
      return "int8" as const;
    };
    const executable = await webgpuBackend({ gpu, weights }).compile(withMatrix, smallWeights());
    expect(new Set(asked.map((of) => JSON.stringify(of)))).toEqual(new Set(['["matrix.weight",[48,64]]']));
    const difference = maxAbs(await outputOf(executable), await expected(smallWeights(), withMatrix));
    // A step of int8 is 1/127 of the largest of 32 numbers; 64 products of numbers up to 1.5.
    expect(difference).toBeGreaterThan(1e-4);
    expect(difference).toBeLessThan(0.1);
    executable.dispose();
  });

  test("go to the worker of a page, where they can, and nowhere from Node", () => {
    expect(webgpu.origin).toBeUndefined();
    vi.stubGlobal("navigator", { gpu });
    expect(webgpuBackend({ weights: "int4" }).origin).toMatchObject({
      module: expect.stringContaining("backend-webgpu/src/index"),
      name: "webgpuBackend",
      options: { weights: "int4" },
    });
    expect(webgpuBackend({ gpu }).origin).toBeUndefined();
    expect(webgpuBackend({ weights: () => "int4" }).origin).toBeUndefined();
  });
});

describe("the device", () => {
  test("has the adapter's limits and features as far as models use them", async () => {
    const adapter = (await gpu.requestAdapter())!;
    const requested = spied(adapter, "requestDevice");
    const backend = webgpuBackend({ gpu: { requestAdapter: async () => adapter } as unknown as GPU });
    (await backend.compile(small, smallWeights())).dispose();
    const [descriptor] = requested[0] as [Required<GPUDeviceDescriptor>];
    const { maxStorageBufferBindingSize, maxBufferSize } = adapter.limits;
    expect(descriptor.requiredLimits).toMatchObject({
      maxStorageBufferBindingSize: Math.min(maxStorageBufferBindingSize, 2 ** 32 - 4),
      maxBufferSize: Math.min(maxBufferSize, 2 ** 34),
      maxStorageBuffersPerShaderStage: 8,
    });
    expect(descriptor.requiredFeatures).toEqual(
      ["shader-f16", "subgroups"].filter((f) => adapter.features.has(f as GPUFeatureName)),
    );
  });

  test("is one for all models of a backend, each of which goes by itself", async () => {
    const requests = { count: 0 };
    const once = {
      requestAdapter: async () => {
        requests.count++;
        return gpu.requestAdapter();
      },
    } as unknown as GPU;
    const backend = webgpuBackend({ gpu: once });
    const [one, two] = await Promise.all([
      backend.compile(small, smallWeights()),
      backend.compile(small, smallWeights(2)),
    ]);
    const [wantOne, wantTwo] = [await expected(smallWeights()), await expected(smallWeights(2))];
    const both = await Promise.all([outputOf(one!), outputOf(two!), outputOf(one!), outputOf(two!)]);
    for (const [i, want] of [wantOne, wantTwo, wantOne, wantTwo].entries())
      expect(maxAbs(both[i]!, want)).toBeLessThan(1e-5);
    const { y } = await one!.run("run", smallFeed(2));
    await expect(two!.run("run", { x: y! })).rejects.toThrow("another model");
    one!.dispose();
    await expect(one!.run("run", smallFeed(1))).rejects.toThrow("the model was disposed");
    expect(maxAbs(await outputOf(two!), wantTwo)).toBeLessThan(1e-5);
    two!.dispose();
    expect(requests.count).toBe(1);
  });

  test("of the caller stays, and all that was on it is given back", async () => {
    const device = await testDevice();
    const count = counted(device);
    const backend = webgpuBackend({ device });
    for (let i = 0; i < 50; i++) {
      using executable = await backend.compile(small, smallWeights());
      await outputOf(executable, 1 + i);
      await executable.run("run", smallFeed(2));
    }
    expect(count.peak).toBeGreaterThan(50 * 64 * 4);
    expect([count.live, count.buffers]).toEqual([0, 0]);
    device.queue.submit([]);
    const lost = await Promise.race([device.lost, Promise.resolve("there")]);
    expect(lost).toBe("there");
  });
});

describe("a device that is lost", () => {
  const lost = { name: "DeviceError", code: "lost" };

  test("ends its models; the next one gets a new device", async () => {
    const devices: GPUDevice[] = [];
    const watching = {
      requestAdapter: async () => {
        const adapter = (await gpu.requestAdapter())!;
        const request = adapter.requestDevice.bind(adapter);
        Object.defineProperty(adapter, "requestDevice", {
          value: async (descriptor: GPUDeviceDescriptor) => {
            const device = await request(descriptor);
            devices.push(device);
            return device;
          },
        });
        return adapter;
      },
    } as unknown as GPU;
    const backend = webgpuBackend({ gpu: watching });
    const executable = await backend.compile(small, smallWeights());
    const { y } = await executable.run("run", smallFeed(2));
    devices[0]!.destroy();
    await expect(y!.read()).rejects.toMatchObject(lost);
    await expect(executable.run("run", smallFeed(2))).rejects.toMatchObject(lost);
    executable.dispose();
    const again = await backend.compile(small, smallWeights());
    expect(maxAbs(await outputOf(again), await expected(smallWeights()))).toBeLessThan(1e-5);
    again.dispose();
    expect(devices).toHaveLength(2);
    for (const device of devices) device.destroy();
  });

  test("and was the caller's, is not replaced", async () => {
    const device = await testDevice();
    const backend = webgpuBackend({ device });
    (await backend.compile(small, smallWeights())).dispose();
    device.destroy();
    await device.lost;
    const error = await failure(backend);
    expect(error).toBeInstanceOf(DeviceError);
    expect(error).toMatchObject(lost);
  });
});

describe("what does not fit", () => {
  test("by the estimate is refused before a weight is read, and before there is a device", async () => {
    const { weights, read } = watched(smallWeights());
    const backend = webgpuBackend({ gpu: { requestAdapter: async () => null } as unknown as GPU, maxBytes: 1000 });
    const { peak } = backend.estimate(small, weights, {});
    expect(await failure(backend, weights)).toMatchObject({
      code: "too-large",
      message: expect.stringMatching(new RegExp(`takes ${peak} bytes of GPU memory, and maxBytes allows 1000`)),
    });
    expect(read).toEqual([]);
  });

  test("by a limit of the adapter is refused before a weight is read", async () => {
    const device = await testDevice();
    Object.defineProperty(device, "limits", {
      value: new Proxy(device.limits, {
        get: (limits, name) => (name === "maxBufferSize" ? 10_000 : Reflect.get(limits, name)),
      }),
    });
    const { weights, read } = watched(smallWeights());
    expect(await failure(webgpuBackend({ device }), weights, withMatrix)).toMatchObject({
      code: "too-large",
      message: expect.stringContaining("matrix.weight takes 12288 bytes, and a buffer of this GPU has at most 10000"),
    });
    expect(read).toEqual([]);
  });
});
