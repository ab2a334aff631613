export * from "./device.js";
export { checkRun } from "./plan/check-run.js";
export { printPlan } from "./plan/print.js";
export { type PlanOptions, planProgram } from "./plan/program.js";
export { slotCount } from "./plan/slot-count.js";
export { supports } from "./plan/supports.js";
export * from "./plan.js";
export { estimatePlans } from "./run/estimate.js";
export { type PlannedPrograms, plannedExecutable } from "./run/executable.js";
export {
  oversized,
  type StorageOf,
  type WeightLayout,
  type WeightStorage,
  weightLayouts,
} from "./run/weight-layout.js";
export { type HeldWeight, type LoadOptions, loadWeights, type Weights } from "./run/weights.js";
