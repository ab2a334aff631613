/**
 * The one piece of ambient state: while a program is traced, the path of the module that is running and what each module
 * gave. Tracing is synchronous, so there is never more than one.
 */
interface Trace {
  readonly path: string[];
  readonly results: Map<string, unknown>;
}

let current: Trace | undefined;

export const currentScope = (): string => current?.path.at(-1) ?? "";

/** Run `body` as one trace; gives what it returned, and what each module gave by its path. */
export function withTrace<T, V>(body: () => T): { value: T; results: ReadonlyMap<string, V> } {
  const outer = current;
  const trace: Trace = { path: [], results: new Map() };
  current = trace;
  try {
    return { value: body(), results: trace.results as ReadonlyMap<string, V> };
  } finally {
    current = outer;
  }
}

/** Run `body` under a module's path. */
export function withScope<T>(path: string, body: () => T): T {
  const trace: Trace = current ?? { path: [], results: new Map() };
  const outer = current;
  current = trace;
  trace.path.push(path);
  try {
    return body();
  } finally {
    trace.path.pop();
    current = outer;
  }
}

/** Note what a module gave, so that `tap` and `compare` can find it by its path. A second call gets `#2`, and so on. */
export function record(path: string, value: unknown): void {
  if (current === undefined) return;
  let name = path;
  for (let n = 2; current.results.has(name); n++) name = `${path}#${n}`;
  current.results.set(name, value);
}
