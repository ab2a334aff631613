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
