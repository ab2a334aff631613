import type { Kernel } from "@hulu/kernels";

/** The same kernel on a device that binds so few bytes, and has three workgroups in a dimension. */
export const tight = <P extends string, B extends string>(
  kernel: Kernel<P, B>,
  bytes: number,
  always: Kernel<P, B>["cases"]["always"],
): Kernel<P, B> => ({
  ...kernel,
  cases: { ...kernel.cases, always },
  launches: (params, choice) =>
    kernel.launches(params, {
      ...choice,
      limits: {
        minStorageBufferOffsetAlignment: choice.limits.minStorageBufferOffsetAlignment,
        maxStorageBufferBindingSize: bytes,
        maxComputeWorkgroupsPerDimension: 3,
      },
    }),
});
