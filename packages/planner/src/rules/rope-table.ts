import { type Axis, multiplySizes, ops, type Size, type Value } from "@hulu/core";
import { fused } from "../plan/copies.js";
import type { Emission } from "../plan/emission.js";
import { countOf, rowsOf, widthOf } from "../plan/sizes.js";
import { base, spread } from "../plan/views.js";
import type { Place } from "../plan.js";
import type { Rule } from "./rule.js";

/** Angles that are positions times frequencies: `[... n]`. */
interface Angles {
  /** Positions, i32 `[...]`. */
  readonly at: Value;
  readonly frequencies: readonly number[];
}

/**
 * The cosines and sines of rotary angles, from their positions: a table whose angles are not in doubt, where an ordinary
 * cosine of a large angle would be. Angles side by side, as of a position of two axes, have a table each.
 */
export const ropeTable: Rule = (value, uses) => {
  if (value.op !== ops.cosOp && value.op !== ops.sinOp) return undefined;
  const angles = base(value.inputs[0]!);
  const parts = sideBySide(angles) ?? [angles];
  const tables = parts.flatMap((part) => anglesOf(part) ?? []);
  if (tables.length < parts.length) return undefined;
  const reader = (op: Value["op"]) => (value.op === op ? value : uses.readers(angles).find((r) => r.op === op));
  const [cos, sin] = [reader(ops.cosOp), reader(ops.sinOp)];
  return {
    results: [cos, sin].flatMap((v) => v ?? []),
    reads: tables.map((t) => t.at),
    emit(e) {
      const size = countOf(angles);
      const into = { cos: cos ? e.result(cos) : e.slot(size), sin: sin ? e.result(sin) : e.slot(size) };
      emitTables(e, value.scope, tables, into, { rows: rowsOf(angles), width: widthOf(angles) });
    },
  };
};

interface Table {
  readonly cos: Place;
  readonly sin: Place;
}

function emitTables(
  e: Emission,
  scope: string,
  tables: readonly Angles[],
  into: Table,
  { rows, width }: { readonly rows: Size; readonly width: Size },
): void {
  let column = 0;
  for (const { at, frequencies } of tables) {
    const n = frequencies.length;
    const room = () => e.slot(multiplySizes(rows, n));
    const part = tables.length === 1 ? into : { cos: room(), sin: room() };
    const args = { at: e.place(at), frequencies: e.constant(frequencies, "f32"), ...part };
    e.call("rope_table", scope, args, { seq: rows, n });
    const axes = fused([
      { size: rows, from: n, to: width },
      { size: n, from: 1, to: 1 },
    ]);
    if (part !== into)
      for (const side of ["cos", "sin"] as const)
        e.copy(scope, part[side], into[side], multiplySizes(rows, width), { axes, from: 0, to: column });
    column += n;
  }
}

/** The parts of a value that is joined along its last axis. */
function sideBySide(value: Value): readonly Value[] | undefined {
  if (value.op !== ops.concatOp) return undefined;
  return value.inputs[0]!.dims.at(-1)!.name === value.attrs.axis ? value.inputs : undefined;
}

function anglesOf(value: Value): Angles | undefined {
  const node = base(value);
  if (node.op !== ops.mulOp) return undefined;
  const [a, b] = node.inputs as [Value, Value];
  return timesRow(a, b, node.dims.at(-1)) ?? timesRow(b, a, node.dims.at(-1));
}

/** `x` times one number for each column, where x is positions or angles already. */
function timesRow(x: Value, factors: Value, last: Axis | undefined): Angles | undefined {
  const row = last && rowOf(factors, last);
  if (row === undefined) return undefined;
  const at = positionsOf(x);
  if (at !== undefined) return { at, frequencies: row };
  const inner = anglesOf(x);
  return inner && { at: inner.at, frequencies: inner.frequencies.map((f, i) => Math.fround(f * row[i]!)) };
}

/** The numbers of a constant that is the same in each row. */
function rowOf(value: Value, { size }: Axis): readonly number[] | undefined {
  const repeated = value.op === ops.broadcastOp;
  const row = repeated ? value.inputs[0]! : value;
  const constant = base(row);
  if (constant.op !== ops.constantOp || constant.dtype !== "f32" || typeof size !== "number") return undefined;
  const values = constant.attrs.values as readonly number[];
  if (row.dims.length === 0) return Array.from({ length: size }, () => values[0]!);
  const along = repeated ? spread(value).at(-1) : 0;
  return row.dims.length === 1 && along === 0 ? values : undefined;
}

/** The whole numbers that a value repeats along its last axis. */
function positionsOf(value: Value): Value | undefined {
  if (value.op !== ops.broadcastOp) return undefined;
  const from = spread(value);
  const lastOnly = from.every((p, i) => (i === from.length - 1 ? p < 0 : p === i));
  const cast = base(value.inputs[0]!);
  return lastOnly && cast.op === ops.castOp && cast.inputs[0]!.dtype === "i32" ? cast.inputs[0] : undefined;
}
