/// <reference types="@webgpu/types" />
import type { Graph } from "@hulu/core";
import type { AnyKernel } from "@hulu/kernels";
import type { KernelDevice } from "@hulu/planner";

/** Filled in by the next commits. */
export type Needs = readonly [Graph, AnyKernel, KernelDevice, GPUDevice];
