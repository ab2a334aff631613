import { type AnyKernel, kernels, prepareKernel, type Variant } from "@hulu/kernels";
import { KernelMismatch, type Runner, testKernel, webgpuRunner } from "@hulu/kernels/testing";
import { openDevice } from "../open-device.js";

/** One mutant: a piece of a variant's source in its place. */
export interface Job {
  readonly kernel: string;
  readonly variant: string;
  readonly piece: number;
  readonly source: string;
}

/** `refused`: the compiler does not take it, so that it is no fault that a test must find. */
export interface Outcome {
  readonly end: "caught" | "survived" | "refused";
  readonly what: string;
}

/** Answer jobs, one after the other, as a child process. */
export async function serve(): Promise<void> {
  const device = await openDevice();
  process.on("message", async (job: Job) => {
    process.send?.(await outcome(device, job));
  });
}

async function outcome(on: GPUDevice, job: Job): Promise<Outcome> {
  const kernel = kernels.find(({ name }) => name === job.kernel) as AnyKernel;
  const original = kernel.variants.find(({ name }) => name === job.variant) as Variant;
  const variant: Variant = { ...original, wgsl: original.wgsl.map((text, i) => (i === job.piece ? job.source : text)) };
  const runner = webgpuRunner(on);
  // Smaller tiles have more edges, and compile sooner; the first preset is the one that devices take.
  const presets = kernel.presets.filter((preset) => runner.supports(kernel, variant, preset));
  for (const preset of new Set([presets.at(-1)!, presets[0]!])) {
    const refused = await prepareKernel(on, kernel, { variant, preset }).then(
      () => undefined,
      (error: Error) => error.message,
    );
    if (refused !== undefined) return { end: "refused", what: refused };
    const what = await found({ ...kernel, variants: [variant], presets: [preset] }, runner);
    if (what !== undefined) return { end: "caught", what };
  }
  return { end: "survived", what: "" };
}

/** What the test of the kernel says, if it says something. */
async function found(kernel: AnyKernel, runner: Runner): Promise<string | undefined> {
  try {
    await testKernel(kernel, runner, { seed: 1, runs: 10 });
    return undefined;
  } catch (error) {
    if (error instanceof KernelMismatch) return error.message.split("\n")[0] as string;
    throw error;
  }
}
