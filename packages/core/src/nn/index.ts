export * from "./embedding.js";
export * from "./gated-mlp.js";
export * from "./linear.js";
export * from "./lora.js";
export * from "./module.js";
export * from "./norms.js";
