import { evaluate, type Size, type Value } from "@hulu/core";
import { declared, type Emission, sizesOf } from "../emission.js";
import type { ElementType } from "../onnx.js";
import type { Placement } from "../weights.js";

export function emitInput(e: Emission, node: Value): void {
  e.define(node, e.input(String(node.attrs.name), node.dtype as "f32" | "i32", declared(node.dims)));
}

/** A weight, read from where it lies; half precision is widened by a Cast, which ONNX Runtime does once at loading. */
export function emitParam(e: Emission, node: Value): void {
  e.defineFree(node, (sizes) => {
    const { type } = placementOf(e, node);
    if (type === "f32") return storedParam(e, node, sizes);
    const name = storedParam(e, node, sizes);
    return e.once(`widened ${name}`, () =>
      e.node("Cast", [name], { attributes: { to: { int: 1 } }, hint: `${String(node.attrs.path)}/cast` }),
    );
  });
}

export const placementOf = (e: Emission, node: Value): Placement => e.placements.of.get(String(node.attrs.path))!;

/**
 * The name of a weight as it is stored. The same bytes may be declared in any shape of their count, so that a weight
 * whose axes are only fused stays where it is.
 */
export function storedParam(e: Emission, node: Value, sizes: readonly Size[] = sizesOf(node.dims)): string {
  const path = String(node.attrs.path);
  const { type, data } = placementOf(e, node);
  const own = node.dims.map((d) => evaluate(d.size, {}));
  const shape = sizes.map((s) => evaluate(s, {}));
  const declare = (name: string, dims: readonly number[]): string => {
    const unique = e.unique(name);
    e.initializers.push({ name: unique, type: type satisfies ElementType, shape: dims, data });
    return unique;
  };
  const plain = shape.join() === own.join();
  if (plain) return e.once(`weight ${path}`, () => declare(path, own));
  return e.once(`weight ${path} ${shape.join()}`, () => {
    if (data instanceof Uint8Array) return e.reshape(storedParam(e, node), sizes);
    return declare(`${path}:${shape.join("x")}`, shape);
  });
}

/** How a state's positions lie in a session: `[1, kv, capacity, dim]`. */
export function stateShape(state: Value): { readonly kv: number; readonly dim: number } {
  const rest = state.dims.slice(2).map((d) => evaluate(d.size, {}));
  if (rest.length === 2) return { kv: rest[0]!, dim: rest[1]! };
  return { kv: 1, dim: rest.reduce((n, d) => n * d, 1) };
}

/** The input that holds a state's storage, filled up to `past`. */
export function pastInput(e: Emission, state: Value): string {
  const { kv, dim } = stateShape(state);
  return e.input(`past:${String(state.attrs.name)}`, "f32", ["past_batch", kv, "capacity", dim]);
}

/** What a session holds as the graph sees it, `[batch past ...]`: the filled part, positions first. Made only if asked for. */
export function emitState(e: Emission, node: Value): void {
  e.defer(node, () => {
    const [batch, past] = node.dims as [Value["dims"][number], Value["dims"][number]];
    const { kv, dim } = stateShape(node);
    const hint = `past:${String(node.attrs.name)}/rows`;
    const filled = e.node("Slice", [pastInput(e, node), e.size(0), e.size(past.size), e.constant("i64", [2])], {
      hint,
    });
    const rows = e.node("Transpose", [filled], { attributes: { perm: { ints: [0, 2, 1, 3] } }, hint });
    // Not an alias: where nothing is held, the storage that is fed may have another batch.
    const sizes = [batch.size, past.size, kv, dim];
    e.define(node, e.reshape(rows, sizes, hint), sizes);
  });
}
