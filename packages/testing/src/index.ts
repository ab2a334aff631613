export * from "./cases/case.js";
export { opCases } from "./cases/index.js";
export * from "./check.js";
export { checkSample, opChecks, runSample } from "./check-ops.js";
export * from "./models.js";
export * from "./nd.js";
export * from "./random.js";
export * from "./suite.js";
export * from "./weights.js";
