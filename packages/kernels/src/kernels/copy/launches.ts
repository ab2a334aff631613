import type { Launch, LaunchChoice, LaunchLimits, Params } from "../../kernel.js";
import { grid } from "../../layout.js";

type Each = 0 | 1 | 2 | 3 | 4 | 5;
/** For each axis its size, its stride in x and its stride in y; then where both begin. */
export type CopyParam = "count" | `${"d" | "s" | "t"}${0 | 1 | 2 | 3 | 4 | 5}` | "from" | "to" | "size";
type CopyLaunch = Launch<CopyParam, "x" | "y">;

/** An axis of a copy: places, and elements from one to the next in x and in y. */
export interface Axis {
  readonly size: number;
  readonly from: number;
  readonly to: number;
}

const each: readonly Each[] = [0, 1, 2, 3, 4, 5];

export const axesOf = (params: Params<CopyParam>): readonly Axis[] =>
  each.map((i) => ({ size: params[`d${i}`], from: params[`s${i}`], to: params[`t${i}`] }));

export const count = (axes: readonly Axis[]): number => axes.reduce((n, { size }) => n * size, 1);

/** Elements from the first place up to and with the last, in x or in y. */
const span = (axes: readonly Axis[], of: "from" | "to"): number =>
  axes.reduce((n, axis) => n + (axis.size - 1) * axis[of], 1);

/** How many elements of x it takes; 0 where nothing is copied. */
export function lastRead(params: Params<CopyParam>): number {
  const axes = axesOf(params);
  return count(axes) === 0 ? 0 : params.from + span(axes, "from");
}

/** One launch, or as many as bindings are too small: cut along the slowest axis that has something to cut. */
export function copyLaunches(params: Params<CopyParam>, { preset, limits }: LaunchChoice): readonly CopyLaunch[] {
  const most = limits.maxStorageBufferBindingSize / 4;
  const axes = merged(axesOf(params));
  const launch = (part: readonly Axis[], from: number, to: number): CopyLaunch => ({
    entry: "main",
    workgroups: grid(count(part), preset.invocations, limits.maxComputeWorkgroupsPerDimension),
    params: { ...axisParams(part), count: count(part), from, to },
  });
  const { from, to } = params;
  if (count(axes) === 0 || Math.max(lastRead(params), params.size) <= most) return [launch(axes, from, to)];
  return cut(axes, from, to, limits).map((part) => {
    const [x, y] = [bound(part.from, span(part.axes, "from"), limits), bound(part.to, span(part.axes, "to"), limits)];
    return { ...launch(part.axes, part.from - x[0], part.to - y[0]), rows: { x, y } };
  });
}

/** Axes that lie behind each other in both buffers become one, those of a single place none: fewer divisions a thread. */
function merged(axes: readonly Axis[]): readonly Axis[] {
  const out: Axis[] = [];
  for (const axis of axes) {
    const before = out.at(-1);
    if (axis.size === 1) continue;
    if (before !== undefined && before.from === axis.from * axis.size && before.to === axis.to * axis.size)
      out[out.length - 1] = { ...axis, size: before.size * axis.size };
    else out.push(axis);
  }
  return out;
}

function axisParams(axes: readonly Axis[]): Partial<Params<CopyParam>> {
  const six = [...new Array<Axis>(each.length - axes.length).fill({ size: 1, from: 0, to: 0 }), ...axes];
  return Object.fromEntries(
    six.flatMap((a, i) => [
      [`d${i}`, a.size],
      [`s${i}`, a.from],
      [`t${i}`, a.to],
    ]),
  );
}

interface Part {
  readonly axes: readonly Axis[];
  readonly from: number;
  readonly to: number;
}

/** Parts of which each reads and writes no more than a binding holds, a beginning that is rounded down included. */
function cut(axes: readonly Axis[], from: number, to: number, limits: LaunchLimits): readonly Part[] {
  const most = (limits.maxStorageBufferBindingSize - limits.minStorageBufferOffsetAlignment) / 4;
  const [slow, ...rest] = axes;
  if (slow === undefined || Math.max(span(axes, "from"), span(axes, "to")) <= most) return [{ axes, from, to }];
  // As many places of the slowest axis as fit behind what one of them takes; one, which is then cut further, if none do.
  const room = (of: "from" | "to") => {
    const left = most - span(rest, of);
    if (left < 0) return 1;
    return slow[of] === 0 ? slow.size : Math.floor(left / slow[of]) + 1;
  };
  const step = Math.max(1, Math.min(room("from"), room("to")));
  const parts: Part[] = [];
  for (let i = 0; i < slow.size; i += step) {
    const size = Math.min(step, slow.size - i);
    const part = size === 1 ? rest : [{ ...slow, size }, ...rest];
    parts.push(...cut(part, from + i * slow.from, to + i * slow.to, limits));
  }
  return parts;
}

/** The range of elements to bind, from where a binding may begin. */
function bound(from: number, length: number, { minStorageBufferOffsetAlignment }: LaunchLimits) {
  const step = minStorageBufferOffsetAlignment / 4;
  return [Math.floor(from / step) * step, from + length] as const;
}
