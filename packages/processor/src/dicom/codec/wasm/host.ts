import { ProcessorError } from "../../../errors.js";
import { corrupt } from "../format.js";

/** What scripts/codecs.mjs makes of a package. */
export interface CodecModule<Codec> {
  readonly create: (options: CodecOptions) => Promise<Codec>;
  /** The WebAssembly in base64. */
  readonly wasm: string;
}

/** What Emscripten's runtime is given. */
export interface CodecOptions {
  /** Makes the instance and hands it to `done`. */
  readonly instantiateWasm: (imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void) => object;
  readonly print: (line: string) => void;
  readonly printErr: (line: string) => void;
}

export interface WasmCodec<Codec> {
  /**
   * Does `work` with an instance of its own. What the codec says meanwhile is in `said`; nothing is printed.
   * @throws ProcessorError what `work` throws; `dicom-corrupt` where the codec itself gave up; `dicom-codec-missing`.
   */
  run<Result>(work: (codec: Codec, said: readonly string[]) => Result): Promise<Result>;
}

const MOST_LINES = 100;

/**
 * A codec that is loaded and compiled when it is first used. Each frame gets a new instance (3 to 4 ms): what a broken one
 * left in its memory must not reach the next, which may be another patient's. CharLS, used on after a broken frame, refuses
 * whole ones now and then.
 */
export function wasmCodec<Codec>(load: () => Promise<CodecModule<Codec>>): WasmCodec<Codec> {
  let compiled: Promise<Compiled<Codec>> | undefined;
  return {
    async run(work) {
      const said: string[] = [];
      let codec: Codec;
      try {
        compiled ??= compile(load);
        codec = await start(await compiled, said);
      } catch (cause) {
        compiled = undefined;
        throw new ProcessorError(
          "dicom-codec-missing",
          "a codec does not start: WebAssembly must be there and allowed",
          {
            cause,
          },
        );
      }
      try {
        return work(codec, said);
      } catch (cause) {
        // C++ throws numbers, WebAssembly traps.
        throw cause instanceof ProcessorError ? cause : corrupt("the codec gave up on the codestream", { cause });
      }
    },
  };
}

interface Compiled<Codec> {
  readonly create: CodecModule<Codec>["create"];
  readonly program: WebAssembly.Module;
}

async function compile<Codec>(load: () => Promise<CodecModule<Codec>>): Promise<Compiled<Codec>> {
  const { create, wasm } = await load();
  return { create, program: await WebAssembly.compile(Uint8Array.from(atob(wasm), (c) => c.charCodeAt(0))) };
}

function start<Codec>({ create, program }: Compiled<Codec>, said: string[]): Promise<Codec> {
  const hear = (line: string) => {
    if (said.length < MOST_LINES) said.push(line);
  };
  return new Promise((resolve, reject) => {
    const instantiateWasm: CodecOptions["instantiateWasm"] = (imports, done) => {
      // What is thrown in it would be lost in Emscripten's runtime.
      WebAssembly.instantiate(program, imports).then(done).catch(reject);
      return {};
    };
    create({ instantiateWasm, print: hear, printErr: hear }).then(resolve, reject);
  });
}
