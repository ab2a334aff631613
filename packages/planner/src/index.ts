export * from "./device.js";
export { checkRun } from "./plan/check-run.js";
export { printPlan } from "./plan/print.js";
export { type PlanOptions, planProgram } from "./plan/program.js";
export { slotCount } from "./plan/slot-count.js";
export { supports } from "./plan/supports.js";
export * from "./plan.js";
