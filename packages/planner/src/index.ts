export * from "./device.js";
export * from "./plan.js";
