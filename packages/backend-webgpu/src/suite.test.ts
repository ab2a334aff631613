import { reference } from "@hulu/backend-reference";
import { testBackend } from "@hulu/testing";
import { testGpu } from "../test/gpu.js";
import { webgpuBackend } from "./index.js";

testBackend("webgpu", async () => webgpuBackend({ gpu: await testGpu() }), {
  reference,
  // On SwiftShader an example takes as long as ten elsewhere; HULU_FUZZ=many tries twenty times as many.
  effort: 0.5,
});
