import { afterAll } from "vitest";
import { testGpu } from "../../kernels/test/open-device.js";

export { testGpu };

/** A device, which is destroyed behind the tests of a file. */
export async function testDevice(descriptor: GPUDeviceDescriptor = {}): Promise<GPUDevice> {
  const adapter = await (await testGpu()).requestAdapter();
  if (adapter === null) throw new Error("there is no adapter to test on");
  const device = await adapter.requestDevice(descriptor);
  afterAll(() => device.destroy());
  return device;
}

/** Counts calls of a method of the platform's objects, and what they were given. */
export function spied<T extends object, K extends keyof T>(object: T, method: K): unknown[][] {
  const calls: unknown[][] = [];
  const real = (object[method] as (...args: unknown[]) => unknown).bind(object);
  Object.defineProperty(object, method, {
    configurable: true,
    value: (...args: unknown[]) => {
      calls.push(args);
      return real(...args);
    },
  });
  return calls;
}

/** The bytes of all buffers of a device that are not destroyed, and the most that there were. */
export function counted(device: GPUDevice): { live: number; peak: number; buffers: number } {
  const count = { live: 0, peak: 0, buffers: 0 };
  const create = device.createBuffer.bind(device);
  Object.defineProperty(device, "createBuffer", {
    configurable: true,
    value: (descriptor: GPUBufferDescriptor) => {
      const buffer = create(descriptor);
      const destroy = buffer.destroy.bind(buffer);
      let there = true;
      count.live += descriptor.size;
      count.buffers++;
      count.peak = Math.max(count.peak, count.live);
      Object.defineProperty(buffer, "destroy", {
        value: () => {
          if (there) {
            count.live -= descriptor.size;
            count.buffers--;
          }
          there = false;
          return destroy();
        },
      });
      return buffer;
    },
  });
  return count;
}
