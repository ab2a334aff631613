import type { KernelFigure } from "./kernel.js";
import type { DeviceLimits } from "./limits.js";

/** A figure as a line of a table: GB/s and GFLOP/s, each with its part of what the device reaches. */
export const describeFigure = ({ kernel, variant, place, bytes, ofCopy, flops, ofMultiply }: KernelFigure): string =>
  line(`${kernel} (${variant}), ${place}`, { bytes, ofCopy, flops, ofMultiply });

/** The line that figures are held against. */
export const describeLimits = ({ copy, multiply }: DeviceLimits): string =>
  line("the device: copy, multiply", { bytes: copy, ofCopy: 1, flops: multiply, ofMultiply: 1 });

const line = (name: string, f: Pick<KernelFigure, "bytes" | "ofCopy" | "flops" | "ofMultiply">): string =>
  `${name.padEnd(64)}${giga(f.bytes, "GB/s")} ${percent(f.ofCopy)}${giga(f.flops, "GFLOP/s")} ${percent(f.ofMultiply)}`;

const giga = (x: number, unit: string): string => `${(x / 1e9).toFixed(1)} ${unit}`.padStart(17);
const percent = (x: number): string => `${(100 * x).toFixed(0)} %`.padStart(6);
