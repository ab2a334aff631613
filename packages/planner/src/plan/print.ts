import { type Axis, describe, printSize, type Size } from "@hulu/core";
import type { Place, Plan, Slot, Step } from "../plan.js";

/** A plan as text, a line for each step: snapshots of it hold a refactoring still. What a call does not use is left out. */
export function printPlan(plan: Plan): string {
  const { graph, steps, slots, buffers, weights, states, outputs } = plan;
  const inputs = Object.entries(graph.inputs).map(([name, v]) => `${name}: ${describe(v)}`);
  const uses = [...weights.values()].map((w) => w.use);
  const count = (use: string) => uses.filter((u) => u === use).length;
  return [
    `${graph.name}(${inputs.join(", ")}) {`,
    `  # weights: ${count("matrix")} matrices, ${count("plain")} plain; ${slots.length} slots in ${buffers} buffers`,
    ...slots.map((slot, i) => `  %${i} in b${slot.buffer}: ${printCount(slot)}`),
    ...steps.map((step) => `  ${printStep(step, plan)}`),
    ...states.map((s) => `  keep ${s.name}: ${printSize(s.rows)} rows of ${s.width}`),
    ...Object.entries(outputs).map(([name, o]) => `  return ${name}: ${describe(o as Output)}`),
    "}",
    "",
  ].join("\n");
}

type Output = Parameters<typeof describe>[0] & { readonly dims: readonly Axis[] };

const printCount = ({ count }: Slot): string =>
  typeof count === "object" && "step" in count ? `scratch ${count.name}` : printSize(count);

/** Where there is a weight, there may be scales. */
const silent: ReadonlySet<Place["kind"]> = new Set(["none", "scale"]);

function printStep({ kernel, args, params, scope }: Step, plan: Plan): string {
  const by = (roles: readonly string[]) =>
    Object.entries(args).filter(([name, { kind }]) => !silent.has(kind) && roles.includes(kernel.buffers[name]!.role));
  const results = by(["output", "inout"]).map(([, place]) => printPlace(place, plan));
  const inputs = by(["input"]).map(([name, place]) => `${name} ${printPlace(place, plan)}`);
  const scratch = by(["scratch"]).map(([name, place]) => `${name} ${printPlace(place, plan)}`);
  const numbers = Object.entries(params).filter(([name, size]) => !isUnused(name, size));
  const call = `${kernel.name}(${[...inputs, ...scratch].join(", ")})`;
  const shown = numbers.map(([name, size]) => ` ${name}=${printSize(size)}`);
  return `${results.join(", ")} = ${call}${shown.join("")}${scope && `  # ${scope}`}`;
}

/** A switch that is off, or an axis that a copy does not have. */
const isUnused = (name: string, size: Size): boolean => size === 0 || (size === 1 && /^d\d$/.test(name));

function printPlace(place: Place, { constants }: Plan): string {
  switch (place.kind) {
    case "slot":
      return `%${place.slot}`;
    case "input":
      return `$${place.name}`;
    case "output":
      return `^${place.name}`;
    case "state":
      return `@${place.name}`;
    case "weight":
      return place.path;
    case "scale":
      return `scales of ${place.path}`;
    case "constant": {
      const { values } = constants[place.index]!;
      const shown = values.slice(0, 3).map((x) => Number(x.toPrecision(6)));
      return `[${shown.join(" ")}${values.length > 3 ? ` ... ${values.length}` : ""}]`;
    }
    case "none":
      return "-";
  }
}
