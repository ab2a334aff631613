import {
  type Backend,
  type Executable,
  type Feed,
  type Graph,
  GraphError,
  type Programs,
  tap,
  type WeightSource,
} from "@hulu/core";
import { type Bound, largestDifference, type Nd } from "./nd.js";
import { take } from "./run.js";

type Feeds = Readonly<Record<string, Feed>>;

/** The first place at which two backends give different numbers. */
export interface Parting {
  readonly program: string;
  /** Which of the runs, counted from 0. */
  readonly run: number;
  /** What gave the numbers: a module's path, or an output's name. */
  readonly path: string;
  readonly shape: readonly number[];
  readonly maxAbs: number;
  /** The place in row-major order, and the numbers there. */
  readonly at: number;
  readonly a: number;
  readonly b: number;
}

export interface CompareOptions {
  /** From where on two numbers part; 1e-4 and a ten-thousandth of the number unless given. */
  readonly bound?: Pick<Bound, "abs" | "rel">;
  /** Where the finding is written as a line; nowhere unless given. */
  readonly print?: (line: string) => void;
}

/**
 * Run programs on two backends with the result of every module looked at, and give the first that differs, in the order
 * in which modules end: a layer's parts come before the layer.
 * @param feeds for each program that is to run, what it is fed: once, or several times behind each other on one session
 * @throws GraphError for feeds of a program that is not there
 */
export async function compare(
  programs: Programs,
  weights: WeightSource,
  a: Backend,
  b: Backend,
  feeds: Readonly<Record<string, Feeds | readonly Feeds[]>>,
  { bound = { abs: 1e-4, rel: 1e-4 }, print = () => {} }: CompareOptions = {},
): Promise<Parting | undefined> {
  for (const [program, runs] of Object.entries(feeds)) {
    const graph = programs[program];
    if (graph === undefined) throw new GraphError(`there is no program ${program} to compare`);
    const { tapped, paths } = tapAll(graph);
    const results = [];
    for (const backend of [a, b]) {
      const executable = await backend.compile({ [program]: tapped }, weights);
      try {
        results.push(await runAll(executable, tapped, program, isList(runs) ? runs : [runs]));
      } finally {
        executable.dispose();
      }
    }
    const parting = firstParting(program, paths, results as [Outputs[], Outputs[]], bound);
    if (parting === undefined) {
      print(`${program}: ${a.name} and ${b.name} agree on ${paths.size} results`);
      continue;
    }
    const where = parting.run === 0 ? "" : ` of run ${parting.run}`;
    print(
      `${program}: ${a.name} and ${b.name} part at ${parting.path}${where} [${parting.shape.join(" ")}]: ${parting.a} and ${parting.b} at ${parting.at}, ${parting.maxAbs} apart`,
    );
    return parting;
  }
  return undefined;
}

type Outputs = ReadonlyMap<string, Nd>;
const isList = (runs: Feeds | readonly Feeds[]): runs is readonly Feeds[] => Array.isArray(runs);

/** The program with every module's result among its outputs, and which output has which path, in order. */
function tapAll(graph: Graph): { tapped: Graph; paths: ReadonlyMap<string, string> } {
  const taps = [...graph.results.keys()].map((path, i) => [`tap${i}`, path] as const);
  return {
    tapped: tap(graph, Object.fromEntries(taps)),
    paths: new Map([...taps, ...Object.keys(graph.outputs).map((name) => [name, name] as const)]),
  };
}

async function runAll(
  executable: Executable,
  graph: Graph,
  program: string,
  runs: readonly Feeds[],
): Promise<Outputs[]> {
  const session = graph.states.length > 0 ? executable.createSession() : undefined;
  const results: Outputs[] = [];
  for (const feeds of runs) {
    const outputs = new Map<string, Nd>();
    const tensors = await executable.run(program, feeds, session && { session });
    for (const [name, tensor] of Object.entries(tensors)) outputs.set(name, await take(tensor));
    results.push(outputs);
  }
  session?.dispose();
  return results;
}

function firstParting(
  program: string,
  paths: ReadonlyMap<string, string>,
  [a, b]: readonly [Outputs[], Outputs[]],
  bound: Pick<Bound, "abs" | "rel">,
): Parting | undefined {
  for (const [run, outputs] of a.entries())
    for (const [name, path] of paths) {
      const [x, y] = [outputs.get(name) as Nd, b[run]?.get(name) as Nd];
      const found = { program, run, path, shape: x.shape };
      if (x.shape.join(" ") !== y.shape.join(" "))
        return { ...found, maxAbs: Number.POSITIVE_INFINITY, at: 0, a: Number.NaN, b: Number.NaN };
      const worst = largestDifference(y.data, x.data, bound);
      if (worst !== undefined) return { ...found, maxAbs: worst.maxAbs, at: worst.at, a: worst.wanted, b: worst.got };
    }
  return undefined;
}
