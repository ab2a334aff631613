import type { Backend, CompileOptions, Executable, Feed, RunOptions, Session, Tensor } from "./backend.js";
import type { AxesByName, Program } from "./graph/graph.js";
import { verify } from "./graph/verify.js";
import type { WeightSource } from "./weights/source.js";

/** A program, whatever its inputs and outputs. */
export type AnyProgram = Program<AxesByName, AxesByName>;
/** What a program must be fed, by name. */
export type InputsOf<P> = P extends { readonly inputs: infer I } ? { readonly [K in keyof I]: Feed } : never;
/** What a program gives, by name. */
export type OutputsOf<P> = P extends { readonly outputs: infer O } ? { [K in keyof O]: Tensor } : never;

/** A compiled model whose programs' input and output names are known to the compiler. */
export interface Compiled<P extends Readonly<Record<string, AnyProgram>>> {
  run<K extends keyof P & string>(program: K, inputs: InputsOf<P[K]>, options?: RunOptions): Promise<OutputsOf<P[K]>>;
  createSession(options?: { readonly capacity?: number; readonly from?: Uint8Array }): Session;
  dispose(): void;
  [Symbol.dispose](): void;
  readonly executable: Executable;
}

/** Verify the programs, compile them on a backend, and give the typed face of the result. */
export async function compile<const P extends Readonly<Record<string, AnyProgram>>>(
  backend: Backend,
  programs: P,
  weights: WeightSource,
  options: CompileOptions = {},
): Promise<Compiled<P>> {
  for (const graph of Object.values(programs)) verify(graph);
  const executable = await backend.compile(programs, weights, options);
  return {
    executable,
    run: (program, inputs, runOptions) =>
      executable.run(program, inputs as Readonly<Record<string, Feed>>, runOptions) as Promise<
        OutputsOf<P[typeof program]>
      >,
    createSession: (o) => executable.createSession(o),
    dispose: () => executable.dispose(),
    [Symbol.dispose]: () => executable.dispose(),
  };
}
