import { type AnyKernel, anyKernel } from "../kernel.js";
import { addRmsNorm } from "./add-rms-norm.js";
import { argmax } from "./argmax.js";
import { attention } from "./attention.js";
import { binary } from "./binary.js";
import { binaryI32 } from "./binary-i32.js";
import { compare } from "./compare.js";
import { compareI32 } from "./compare-i32.js";
import { copy } from "./copy.js";
import { embedding } from "./embedding.js";
import { frameDifference } from "./frame-difference.js";
import { gather } from "./gather.js";
import { iota } from "./iota.js";
import { layerNorm } from "./layer-norm.js";
import { matmul } from "./matmul.js";
import { matmulBatch } from "./matmul-batch.js";
import { prune } from "./prune.js";
import { qkNormRotate } from "./qk-norm-rotate.js";
import { reduce } from "./reduce.js";
import { rmsNorm } from "./rms-norm.js";
import { rope1d } from "./rope-1d.js";
import { rope2d } from "./rope-2d.js";
import { ropeTable } from "./rope-table.js";
import { rotate } from "./rotate.js";
import { select } from "./select.js";
import { softmax } from "./softmax.js";
import { splice } from "./splice.js";
import { swiglu } from "./swiglu.js";
import { toF32 } from "./to-f32.js";
import { toI32 } from "./to-i32.js";
import { tokenMerge } from "./token-merge.js";
import { topK } from "./top-k.js";
import { unary } from "./unary.js";

/** Every kernel, for what treats all of them alike: tests, benchmarks, a table. */
export const kernels: readonly AnyKernel[] = [
  anyKernel(addRmsNorm),
  anyKernel(argmax),
  anyKernel(attention),
  anyKernel(binary),
  anyKernel(binaryI32),
  anyKernel(compare),
  anyKernel(compareI32),
  anyKernel(copy),
  anyKernel(frameDifference),
  anyKernel(embedding),
  anyKernel(gather),
  anyKernel(iota),
  anyKernel(layerNorm),
  anyKernel(matmul),
  anyKernel(matmulBatch),
  anyKernel(prune),
  anyKernel(qkNormRotate),
  anyKernel(reduce),
  anyKernel(rmsNorm),
  anyKernel(rope1d),
  anyKernel(rope2d),
  anyKernel(ropeTable),
  anyKernel(rotate),
  anyKernel(select),
  anyKernel(softmax),
  anyKernel(splice),
  anyKernel(swiglu),
  anyKernel(toF32),
  anyKernel(toI32),
  anyKernel(tokenMerge),
  anyKernel(topK),
  anyKernel(unary),
];
