import type { LaunchLimits } from "@hulu/kernels";
import { type Runner, webgpuRunner } from "@hulu/kernels/testing";
import { afterAll } from "vitest";
import { openDevice } from "./open-device.js";

/** The device of `openDevice`, destroyed behind the tests of a file. */
export async function testDevice(): Promise<GPUDevice> {
  const device = await openDevice();
  afterAll(() => device.destroy());
  return device;
}

export const testRunner = async (): Promise<Runner> => webgpuRunner(await testDevice(), "node");

/** The same device as one that says less of itself: for launches that are cut because a binding holds too little. */
export function withLimits(device: GPUDevice, limits: Partial<LaunchLimits>): GPUDevice {
  const all = new Proxy(device.limits, {
    get: (own, name) => Reflect.get(limits, name) ?? Reflect.get(own, name, own),
  });
  return new Proxy(device, {
    get(own, name) {
      const value: unknown = name === "limits" ? all : Reflect.get(own, name, own);
      return typeof value === "function" ? value.bind(own) : value;
    },
  });
}
