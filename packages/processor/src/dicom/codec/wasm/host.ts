import { ProcessorError } from "../../../errors.js";
import { corrupt } from "../format.js";

/** What scripts/codecs.mjs makes of a package. */
export interface CodecModule<Codec> {
  readonly create: (options: CodecOptions) => Promise<Codec>;
  /** The WebAssembly in base64. */
  readonly wasm: string;
}

export interface CodecOptions {
  readonly instantiateWasm: (
    imports: WebAssembly.Imports,
    done: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
  ) => object;
  readonly print: (line: string) => void;
  readonly printErr: (line: string) => void;
}

/** A started codec: its WebAssembly memory is seen through `HEAPU8`. */
export interface CodecInstance {
  readonly HEAPU8: Uint8Array;
}

export interface WasmCodec<Codec> {
  /**
   * Does `work` with an instance that nobody else uses. What the codec says meanwhile is in `said`; nothing is printed.
   * @throws ProcessorError what `work` throws; `dicom-corrupt` where the codec itself gave up; `dicom-codec-missing`.
   */
  run<Result>(work: (codec: Codec, said: readonly string[]) => Result): Promise<Result>;
}

/** An instance whose memory has grown beyond this is let go: it cannot shrink. */
const KEPT_BYTES = 128 * 2 ** 20;
const MOST_LINES = 100;

/**
 * A codec that is loaded when it is first used. An instance serves on after a frame that was decoded; after one that was
 * refused, however, it is let go: a broken bitstream may have left its memory in disorder (CharLS is not put in order by
 * its C++ exceptions), and the next frame would be refused, or have other pixels.
 */
export function wasmCodec<Codec extends CodecInstance>(load: () => Promise<CodecModule<Codec>>): WasmCodec<Codec> {
  let idle: Started<Codec> | undefined;
  let loading: Promise<Compiled<Codec>> | undefined;
  const begin = async () => {
    loading ??= compile(load);
    try {
      return await start(await loading);
    } catch (cause) {
      loading = undefined;
      throw new ProcessorError("dicom-codec-missing", "a codec does not start: WebAssembly must be there and allowed", {
        cause,
      });
    }
  };
  return {
    async run(work) {
      const started = idle ?? (await begin());
      idle = undefined;
      started.said.length = 0;
      try {
        const result = work(started.codec, started.said);
        if (started.codec.HEAPU8.length <= KEPT_BYTES) idle = started;
        return result;
      } catch (cause) {
        if (cause instanceof ProcessorError) throw cause;
        throw corrupt("the codec gave up on the codestream", { cause });
      }
    },
  };
}

interface Started<Codec> {
  readonly codec: Codec;
  readonly said: string[];
}

interface Compiled<Codec> {
  readonly create: CodecModule<Codec>["create"];
  readonly module: WebAssembly.Module;
}

/** Once, for all instances. */
async function compile<Codec>(load: () => Promise<CodecModule<Codec>>): Promise<Compiled<Codec>> {
  const { create, wasm } = await load();
  const bytes = Uint8Array.from(atob(wasm), (c) => c.charCodeAt(0));
  return { create, module: await WebAssembly.compile(bytes) };
}

async function start<Codec>({ create, module }: Compiled<Codec>): Promise<Started<Codec>> {
  const said: string[] = [];
  const hear = (line: string) => {
    if (said.length < MOST_LINES) said.push(line);
  };
  const codec = await new Promise<Codec>((resolve, reject) => {
    const instantiateWasm: CodecOptions["instantiateWasm"] = (imports, done) => {
      WebAssembly.instantiate(module, imports).then((instance) => done(instance, module), reject);
      return {};
    };
    create({ instantiateWasm, print: hear, printErr: hear }).then(resolve, reject);
  });
  return { codec, said };
}
