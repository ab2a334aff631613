/** How wanted frames are asked of ffmpeg. */
export interface Selection {
  /** An expression of ffmpeg's `select` filter over n, the number of a decoded frame. */
  readonly expression: string;
  /** Frames that it lets through. */
  readonly count: number;
  /** Whether the i-th frame that it lets through is wanted. */
  wanted(i: number): boolean;
}

/** A command line may hold 128 KiB in one argument; so many runs take 100 at most. */
const MAX_RUNS = 2000;

/**
 * Frames are picked inside ffmpeg, so that only they are converted and come through the pipe: by a search tree over runs
 * of equal steps, whose cost per decoded frame is the logarithm of their number. Where there are too many runs for a
 * command line, the whole range comes and the reader picks.
 * @param indices rising, at least one
 */
export function selection(indices: readonly number[]): Selection {
  const runs = runsOf(indices);
  if (runs.length <= MAX_RUNS)
    return { expression: tree(runs, 0, runs.length), count: indices.length, wanted: () => true };
  const first = indices[0]!;
  const last = indices.at(-1)!;
  const all = new Set(indices);
  return {
    expression: `between(n,${first},${last})`,
    count: last - first + 1,
    wanted: (i) => all.has(first + i),
  };
}

/** from, from + step, ..., to. */
interface Run {
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

function runsOf(indices: readonly number[]): Run[] {
  const runs: Run[] = [];
  for (let i = 0; i < indices.length; ) {
    const from = indices[i]!;
    const step = i + 1 < indices.length ? indices[i + 1]! - from : 1;
    let last = i;
    while (last + 1 < indices.length && indices[last + 1]! - indices[last]! === step) last++;
    runs.push({ from, to: indices[last]!, step });
    i = last + 1;
  }
  return runs;
}

function tree(runs: readonly Run[], from: number, to: number): string {
  if (to - from === 1) return leaf(runs[from]!);
  const middle = (from + to) >> 1;
  return `if(lt(n,${runs[middle]!.from}),${tree(runs, from, middle)},${tree(runs, middle, to)})`;
}

function leaf({ from, to, step }: Run): string {
  if (from === to) return `eq(n,${from})`;
  return step === 1 ? `between(n,${from},${to})` : `between(n,${from},${to})*not(mod(n-${from},${step}))`;
}
