import { attentionCases } from "./attention.js";
import type { OpCase } from "./case.js";
import { contractCases } from "./contract.js";
import { elementwiseCases } from "./elementwise.js";
import { leafCases } from "./leaves.js";
import { normCases } from "./norm.js";
import { ropeCases } from "./rope.js";
import { shapeCases } from "./shape.js";
import { visualCases } from "./visual.js";

/** Every operation at least once: what a backend's op tests, the property tests and the support table are made from. */
export const opCases: readonly OpCase[] = [
  ...leafCases,
  ...elementwiseCases,
  ...contractCases,
  ...shapeCases,
  ...normCases,
  ...ropeCases,
  ...attentionCases,
  ...visualCases,
];
