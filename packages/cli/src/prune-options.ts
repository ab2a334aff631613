import { pruneRules } from "@hulu/core";
import type { PlanOptions } from "@hulu/engine";
import type { Options, Parsed } from "./options.js";

/** How visual inputs are cut up and pruned: of `ask`, and of what `inspect` foretells. */
export const pruneOptions: Options = {
  pruning: {
    type: "string",
    value: "RULE",
    help: `of videos and volumes: ${pruneRules.join(", ")} (default released)`,
  },
  threshold: { type: "string", value: "X", help: "of the pruning rule (default 0.1)" },
  "min-tokens": { type: "string", value: "N", help: "visual tokens that pruning leaves of a frame (default 1)" },
  merge: { type: "string", value: "M", help: "patches per visual token along a side" },
  aspect: { type: "string", value: "NAME", help: "true (default), or transposed as the released code has it" },
};

export function pruneOptionsOf(parsed: Parsed): PlanOptions {
  const rule = parsed.oneOf("pruning", pruneRules);
  const threshold = parsed.number("threshold", (t) => t >= 0, "a number of at least 0");
  const minTokens = parsed.count("min-tokens", 0);
  const given = rule !== undefined || threshold !== undefined || minTokens !== undefined;
  return {
    prune: given
      ? {
          rule: rule ?? "released",
          ...(threshold !== undefined && { threshold }),
          ...(minTokens !== undefined && { minTokens }),
        }
      : undefined,
    merge: parsed.count("merge"),
    aspect: parsed.oneOf("aspect", ["true", "transposed"]),
  };
}
