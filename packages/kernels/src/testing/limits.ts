import { defaultLimits, type Launch, type LaunchLimits, type Params } from "../kernel.js";
import { bufferBytes, KernelError, rowBytes } from "../layout.js";
import { entriesOf } from "../webgpu/prepare.js";
import type { KernelForm } from "./runner.js";

/** Which limits a call is cut by: those of a device, or ones that are so small that it must be cut where it can be. */
export type Tightness = "device" | "workgroups" | "bindings";

/** @returns undefined where the call is too small to be cut, or the kernel does not cut it */
export function tightLimits(form: KernelForm, params: Params, tight: Tightness): LaunchLimits | undefined {
  const whole = launchesOf(form, params, defaultLimits);
  if (tight === "workgroups") return fewerWorkgroups(whole);
  if (tight === "bindings") return smallerBindings(form, params, whole);
  return undefined;
}

export const launchesOf = ({ kernel, variant, preset }: KernelForm, params: Params, limits: LaunchLimits) =>
  kernel.launches(params, { variant, preset, limits });

/** So few in a dimension that what goes along one must go along two, of different lengths: else one passes for the other. */
function fewerWorkgroups(whole: readonly Launch[]): LaunchLimits | undefined {
  const most = (find: (launch: Launch) => number) => Math.max(0, ...whole.map(find));
  const needed = most(({ workgroups: [x, y, z] }) => (y <= 1 && z <= 1 ? Math.ceil(x / 2) : Math.max(x, y, z)));
  const used = most(({ workgroups }) => Math.max(...workgroups));
  return needed < 2 || needed >= used ? undefined : { ...defaultLimits, maxComputeWorkgroupsPerDimension: needed };
}

/** About half of the largest buffer, or more where some that are cut together cannot be cut so small at places that may be bound. */
function smallerBindings(form: KernelForm, params: Params, whole: readonly Launch[]): LaunchLimits | undefined {
  const align = defaultLimits.minStorageBufferOffsetAlignment;
  const { kernel, variant } = form;
  const buffers = Object.values(kernel.buffers).map((spec) => {
    const row = rowBytes(spec, params, variant.storage);
    const size = bufferBytes(spec, params, variant.storage);
    return { size, step: Math.min(size, leastCommonMultiple(row, align)) };
  });
  const largest = Math.max(...buffers.map(({ size }) => size));
  const needed = Math.max(largest / 2, ...buffers.map(({ step }) => step));
  for (let limit = Math.ceil(needed / align) * align; limit < largest; limit += align) {
    const limits = { ...defaultLimits, maxStorageBufferBindingSize: limit };
    const launches = launchesUnlessTooSmall(form, params, limits);
    if (launches !== undefined) return JSON.stringify(launches) === JSON.stringify(whole) ? undefined : limits;
  }
  return undefined;
}

function launchesUnlessTooSmall(form: KernelForm, params: Params, limits: LaunchLimits) {
  try {
    return launchesOf(form, params, limits);
  } catch (error) {
    if (error instanceof KernelError) return undefined;
    throw error;
  }
}

const leastCommonMultiple = (a: number, b: number): number => {
  let [x, y] = [a, b];
  while (y > 0) [x, y] = [y, x % y];
  return x === 0 ? 0 : (a / x) * b;
};

/** Hold a launch plan against its contract and its limits. @throws KernelError with what is wrong */
export function checkLaunches(
  form: KernelForm,
  params: Params,
  launches: readonly Launch[],
  limits: LaunchLimits,
): void {
  const entries = entriesOf(form.variant);
  for (const [i, launch] of launches.entries()) {
    const say = (what: string) => {
      throw new KernelError(`launch ${i} of ${launches.length} ${what}`);
    };
    if (!entries.includes(launch.entry)) say(`has the entry ${launch.entry}; the source has ${entries.join(", ")}`);
    const most = limits.maxComputeWorkgroupsPerDimension;
    if (launch.workgroups.some((n) => !Number.isInteger(n) || n < 0 || n > most))
      say(`has ${launch.workgroups.join(" x ")} workgroups, where a dimension may have ${most}`);
    for (const name of Object.keys(launch.params ?? {}))
      if (!(name in { ...form.kernel.params, ...form.kernel.launchParams }))
        say(`sets ${name}, which is none of the parameters`);
    checkBindings(form, params, launch, limits, say);
  }
}

function checkBindings(
  { kernel, variant }: KernelForm,
  params: Params,
  { rows = {} }: Launch,
  limits: LaunchLimits,
  say: (what: string) => void,
): void {
  for (const name of Object.keys(rows)) if (!(name in kernel.buffers)) say(`binds rows of ${name}, which is no buffer`);
  for (const [name, spec] of Object.entries(kernel.buffers)) {
    const [all = 1] = spec.shape(params);
    const row = rowBytes(spec, params, variant.storage);
    const [from, to] = rows[name] ?? [0, all];
    if (!(from >= 0 && from <= to && to <= all)) say(`binds rows ${from} to ${to} of ${name}, which has ${all}`);
    if ((from * row) % limits.minStorageBufferOffsetAlignment !== 0)
      say(`binds ${name} from byte ${from * row}, no multiple of ${limits.minStorageBufferOffsetAlignment}`);
    const bytes = (to - from) * row;
    if (bytes > limits.maxStorageBufferBindingSize)
      say(`binds ${bytes} bytes of ${name}, where ${limits.maxStorageBufferBindingSize} can be bound`);
  }
}
