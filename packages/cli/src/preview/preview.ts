import { previewFrames, type VisualPlan } from "@hulu/engine";
import type { PreprocessorConfig } from "@hulu/processor";
import type { Shown } from "../input/open.js";
import { Sheet } from "./sheet.js";

/** What was seen of inputs when their frames were gone through once. */
export interface Seen {
  /** Tokens that are left of each input; undefined where only the model can tell. */
  readonly kept: readonly (number | undefined)[];
  readonly sheet: Sheet | undefined;
}

/**
 * Go through all frames as the model is shown them, one at a time: prune them by the rule, and draw them.
 * @param drawn whether a contact sheet is wanted; without one, what is not pruned is not decoded
 */
export async function lookThrough(
  shown: readonly Shown[],
  plans: readonly VisualPlan[],
  preprocessor: PreprocessorConfig,
  drawn: boolean,
  signal: AbortSignal,
): Promise<Seen> {
  const sheet = drawn ? new Sheet(plans.map((plan, i) => stripOf(plan, preprocessor, i))) : undefined;
  const kept: (number | undefined)[] = [];
  for (const [i, plan] of plans.entries()) {
    let count = plan.prune === undefined ? plan.tokens : 0;
    const known = plan.prune?.rule !== "embedding";
    if (sheet !== undefined || (plan.prune !== undefined && known)) {
      const { source } = shown[i]!;
      for await (const frame of previewFrames(source, plan, preprocessor, { signal })) {
        if (plan.prune !== undefined) for (const bit of frame.keep ?? []) count += bit;
        sheet?.add(i, frame, source.timestamps?.[frame.index]);
      }
    }
    kept.push(known ? count : undefined);
  }
  return { kept, sheet };
}

/** No name of a file stands on a sheet: it may be a patient's. */
function stripOf({ kind, size, grid, merge, tokens }: VisualPlan, { patchSize }: PreprocessorConfig, i: number) {
  const side = merge * patchSize;
  return {
    title: `input ${i + 1}: ${kind}, ${grid[0]} x ${size.width} x ${size.height}, ${tokens} tokens`,
    count: grid[0],
    width: size.width,
    height: size.height,
    across: size.width / side,
    side,
  };
}
