export * from "./device.js";
export { checkRun } from "./plan/check-run.js";
export { slotCount } from "./plan/slot-count.js";
export * from "./plan.js";
