import bf16 from "../../../kernels/wgsl/storage/bf16.wgsl";
import f16 from "../../../kernels/wgsl/storage/f16.wgsl";
import f32 from "../../../kernels/wgsl/storage/f32.wgsl";
import i4 from "../../../kernels/wgsl/storage/i4.wgsl";
import i8 from "../../../kernels/wgsl/storage/i8.wgsl";
import type { Storage } from "./storage.js";

/** How kernels read a weight of each storage, at bindings 2 and 3: the piece of their source that differs. */
export const storageWgsl: Readonly<Record<Storage, string>> = { f32, bf16, f16, i8, i4 };
