import { anyKernel, KernelError, rmsNorm } from "@hulu/kernels";
import { DeviceError } from "@hulu/planner";
import { describe, expect, test } from "vitest";
import { testDevice, testGpu } from "../../test/gpu.js";
import { WebgpuDevice } from "./device.js";
import { SharedDevice } from "./shared.js";

const kernel = anyKernel(rmsNorm);

async function made({ owned = true, descriptor = {} as GPUDeviceDescriptor } = {}) {
  const gpu = await testDevice(descriptor);
  const shared = new SharedDevice(gpu, owned);
  return { gpu, shared, device: new WebgpuDevice(shared) };
}
/** The device's tasks go on between two turns of the event loop. */
const soon = () => new Promise((resolve) => setTimeout(resolve, 20));

describe("what the device refuses", () => {
  test("is told by whoever waits next, once, with what it was asked for", async () => {
    const { device } = await made();
    const x = device.alloc(16, "x");
    device.write(x, 8, new Uint8Array(16));
    device.write(x, 400, new Uint8Array(16));
    const error = await device.read(x, 0, 16).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(DeviceError);
    expect(error).toMatchObject({
      code: "failed",
      message: expect.stringContaining("the GPU refused x (a write of 16 bytes at 8): "),
    });
    await device.settled();
    expect(await device.read(x, 0, 16)).toEqual(new Uint8Array(16));
  });

  test("is told to all that read at that time, since it may have spoiled what they read", async () => {
    const { device } = await made();
    const x = device.alloc(16, "x");
    device.copy(x, 0, device.alloc(16, "y"), 12, 8);
    const all = await Promise.allSettled([device.read(x, 0, 8), device.read(x, 0, 8), device.settled()]);
    expect(all.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    await device.settled();
  });

  test("is told again by what it spoiled, whoever heard of it first", async () => {
    const { device } = await made();
    const [x, y] = [device.alloc(16, "x"), device.alloc(16, "y")];
    device.copy(x, 0, y, 12, 8);
    await expect(device.settled()).rejects.toThrow("the GPU refused a run");
    await expect(device.read(y, 0, 16)).rejects.toThrow("the GPU refused a run");
    // What is computed anew is good again.
    device.copy(x, 0, y, 0, 16);
    expect(await device.read(y, 0, 16)).toEqual(new Uint8Array(16));
  });

  test("is nobody else's matter", async () => {
    const { device, shared } = await made();
    const other = new WebgpuDevice(shared);
    device.write(device.alloc(16, "x"), 8, new Uint8Array(16));
    await other.settled();
    await expect(device.settled()).rejects.toThrow("the GPU refused x");
  });

  test("without a call of ours is told too where all on the device is ours", async () => {
    const mine = await made();
    mine.gpu.createBuffer({ label: "strange", size: 16, usage: 1 | 128 });
    await soon();
    await expect(mine.device.settled()).rejects.toThrow(/the GPU reports: .*strange/s);
    const theirs = await made({ owned: false });
    const heard: unknown[] = [];
    theirs.gpu.addEventListener("uncapturederror", (event) => heard.push(event));
    theirs.gpu.createBuffer({ label: "strange", size: 16, usage: 1 | 128 });
    await soon();
    await theirs.device.settled();
    expect(heard).toHaveLength(1);
  });

  test("never reaches the listeners of somebody whose device it is", async () => {
    const { gpu, shared, device } = await made({ owned: false });
    const heard: unknown[] = [];
    gpu.addEventListener("uncapturederror", (event) => heard.push(event));
    device.write(device.alloc(16, "x"), 8, new Uint8Array(16));
    await expect(device.settled()).rejects.toThrow(DeviceError);
    const broken = {
      ...kernel,
      variants: [{ name: "broken", features: [], wgsl: ["@compute @workgroup_size(1)", "fn main() { oh }"] }],
    };
    const refused = await shared.compile(shared.prepare(broken), ["main"]).catch((e: unknown) => e);
    expect(refused).toBeInstanceOf(KernelError);
    expect((refused as Error).message).toMatch(/^rms_norm, broken, .*2:/);
    await soon();
    expect(heard).toEqual([]);
  });
});

describe("memory", () => {
  test("over the limit of one buffer is refused at once", async () => {
    const { device } = await made();
    const most = device.limits.maxBufferSize;
    expect(() => device.alloc(most + 4, "layers.3.weight")).toThrow(
      expect.objectContaining({
        code: "out-of-memory",
        message: `layers.3.weight: ${most + 4} bytes; a buffer of this GPU has at most ${most}`,
      }),
    );
    await device.settled();
  });

  test("that is not there is said to be so, and not what comes of it", async () => {
    const adapter = (await (await testGpu()).requestAdapter())!;
    // SwiftShader has no GiB for one buffer, although it says so; other drivers give it.
    const swift = adapter.info.architecture === "swiftshader";
    const { maxBufferSize } = adapter.limits;
    const { device } = await made({ descriptor: { requiredLimits: { maxBufferSize } } });
    if (!swift) return;
    const x = device.alloc(maxBufferSize, "layers.3.weight");
    device.copy(x, 0, device.alloc(16, "y"), 0, 16);
    const error = await device.read(x, 0, 16).catch((e: unknown) => e);
    expect(error).toMatchObject({
      code: "out-of-memory",
      message: expect.stringContaining(`the GPU has no memory for layers.3.weight (${maxBufferSize} bytes): `),
    });
    x.destroy();
    await device.settled();
  });
});

describe("a device that is lost", () => {
  const lost = expect.objectContaining({
    name: "DeviceError",
    code: "lost",
    message: "the GPU device is lost, with the model on it: it was destroyed; load the model again",
  });

  test("ends all that waits for it, and all that comes later, in the same words", async () => {
    const { gpu, shared, device } = await made();
    const x = device.alloc(2 ** 16, "x");
    device.write(x, 0, new Uint8Array(2 ** 16));
    const waiting = [device.read(x, 0, 2 ** 16), device.settled(), device.read(x, 0, 4)];
    gpu.destroy();
    for (const one of await Promise.allSettled(waiting)) expect((one as PromiseRejectedResult).reason).toEqual(lost);
    await expect(device.read(x, 0, 4)).rejects.toEqual(lost);
    await expect(device.settled()).rejects.toEqual(lost);
    await expect(device.prepare(kernel)).rejects.toEqual(lost);
    expect(() => shared.prepare(kernel)).toThrow(lost);
    expect(() => device.alloc(4, "y")).toThrow(lost);
    expect(() => device.write(x, 0, new Uint8Array(4))).toThrow(lost);
    expect(() => new WebgpuDevice(shared)).toThrow(lost);
    x.destroy();
    device.dispose();
  });

  test("ends the compiling of kernels", async () => {
    const { gpu, shared } = await made();
    const compiling = shared.compile(shared.prepare(kernel), ["main"]);
    gpu.destroy();
    await expect(compiling).rejects.toEqual(lost);
  });

  test("is told to a recording that nobody has submitted", async () => {
    const { gpu, device } = await made();
    const [x, y] = [device.alloc(16, "x"), device.alloc(16, "y")];
    device.copy(x, 0, y, 0, 16);
    gpu.destroy();
    await expect(device.read(y, 0, 16)).rejects.toEqual(lost);
  });
});
