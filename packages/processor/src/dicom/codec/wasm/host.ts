import { ProcessorError } from "../../../errors.js";
import { corrupt } from "../format.js";

/** What scripts/codecs.mjs makes of a package. */
export interface CodecModule<Codec> {
  readonly create: (options: CodecOptions) => Promise<Codec>;
  /** The WebAssembly in base64. */
  readonly wasm: string;
}

export interface CodecOptions {
  readonly wasmBinary: Uint8Array;
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
 * A codec that is loaded when it is first used. An instance serves on after a frame, also after one that was refused by
 * us or by a C++ exception, which unwinds it in order; one that trapped or ran out of memory is never used again.
 */
export function wasmCodec<Codec extends CodecInstance>(load: () => Promise<CodecModule<Codec>>): WasmCodec<Codec> {
  let idle: Started<Codec> | undefined;
  return {
    async run(work) {
      const started = idle ?? (await start(load));
      idle = undefined;
      started.said.length = 0;
      let sound = true;
      try {
        return work(started.codec, started.said);
      } catch (cause) {
        if (cause instanceof ProcessorError) throw cause;
        sound = isCppException(cause);
        throw corrupt("the codec gave up on the codestream", { cause });
      } finally {
        if (sound && started.codec.HEAPU8.length <= KEPT_BYTES) idle = started;
      }
    },
  };
}

/** Emscripten throws the address of a C++ exception. */
const isCppException = (cause: unknown) => typeof cause === "number";

interface Started<Codec> {
  readonly codec: Codec;
  readonly said: string[];
}

async function start<Codec>(load: () => Promise<CodecModule<Codec>>): Promise<Started<Codec>> {
  const said: string[] = [];
  const hear = (line: string) => {
    if (said.length < MOST_LINES) said.push(line);
  };
  try {
    const { create, wasm } = await load();
    const wasmBinary = Uint8Array.from(atob(wasm), (c) => c.charCodeAt(0));
    return { codec: await create({ wasmBinary, print: hear, printErr: hear }), said };
  } catch (cause) {
    throw new ProcessorError("dicom-codec-missing", "a codec does not start: WebAssembly must be there and allowed", {
      cause,
    });
  }
}
