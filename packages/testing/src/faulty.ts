import {
  type Backend,
  type CompileOptions,
  expand,
  type Graph,
  ops,
  type Programs,
  primitivesOnly,
  rewrite,
  type Value,
  type WeightSource,
} from "@hulu/core";

/** The same number a little off, whatever its type: floats by a thirty-second, whole numbers by one, truth by its opposite. */
export function perturbed(value: Value): Value {
  if (value.dtype === "f32") return ops.add<string>(value, 1 / 32);
  if (value.dtype === "i32") return ops.add<string>(value, 1);
  return ops.less<string>(ops.cast(value, "f32"), 0.5);
}

/**
 * A backend with one operation planted wrong, to show that the suite finds it: wherever a program has the operation, as
 * it stands or in what it means, `plant` takes its place. The rest is what `sound` does.
 */
export function faulty(sound: Backend, op: string, plant: (node: Value) => Value = perturbed): Backend {
  const spoil = (graph: Graph): Graph =>
    rewrite(
      expand(graph, (node) => (node.op.name === op ? true : primitivesOnly(node))),
      (node) => (node.op.name === op ? plant(node) : node),
    );
  const each = (programs: Programs): Programs =>
    Object.fromEntries(Object.entries(programs).map(([name, graph]) => [name, spoil(graph)]));
  return {
    ...sound,
    name: `${sound.name} with a faulty ${op}`,
    compile: (programs: Programs, weights: WeightSource, options?: CompileOptions) =>
      sound.compile(each(programs), weights, options),
  };
}
