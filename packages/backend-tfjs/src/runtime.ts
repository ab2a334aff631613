import type { KernelBackend, Tensor } from "@tensorflow/tfjs-core";
import { TfjsMemoryError, TfjsMissingError } from "./errors.js";
import type { TfjsEngine, TfjsOptions } from "./options.js";

export type Tf = typeof import("@tensorflow/tfjs-core");
export type TfTensor = Tensor;

/** The version whose inner workings the heap guard and the switching of backends were written for. */
const VERSION = "4.22.0";
const GIB = 2 ** 30;
const FLOAT = 4;

/**
 * TensorFlow.js with a backend of our own. Its active backend and its registries are global; what is ours in there is one
 * backend under our own name, with a heap of its own, and it is the active one only while `within` computes.
 */
export interface Runtime {
  readonly tf: Tf;
  readonly engine: TfjsEngine;
  /** Ends when no backend is just being started by somebody else: until then TensorFlow.js computes nothing. */
  settled(): Promise<void>;
  /**
   * See to it that there is room for the copy that XNNPACK makes of a matrix at its first product, and for the product:
   * when there is none, it would print a line, and the product would be whatever lay there before.
   * @throws TfjsMemoryError
   */
  reserve(matrix: TfTensor, product: number): void;
  /** Compute on our backend, at once; afterwards the backend that was the active one is so again, also if it was none. */
  within<T>(body: () => T): T;
}

const runtimes = new Map<TfjsEngine, Promise<Runtime>>();

/**
 * TensorFlow.js, loaded when it is first needed: it is an optional peer dependency.
 * @throws TfjsMissingError when it is not installed, of another version, or cannot start
 */
export function loadRuntime({ engine = "wasm", wasmPaths }: TfjsOptions): Promise<Runtime> {
  let runtime = runtimes.get(engine);
  if (runtime === undefined) {
    runtime = start(engine, wasmPaths).catch((cause: unknown) => {
      runtimes.delete(engine);
      throw new TfjsMissingError(["@tensorflow/tfjs-core", `@tensorflow/tfjs-backend-${engine}`], VERSION, cause);
    });
    runtimes.set(engine, runtime);
  }
  return runtime;
}

async function start(engine: TfjsEngine, wasmPaths: string | undefined): Promise<Runtime> {
  const tf = await import("@tensorflow/tfjs-core");
  if (tf.version_core !== VERSION) throw new Error(`this is made for ${VERSION}, and there is ${tf.version_core}`);
  if (engine === "cpu") await import("@tensorflow/tfjs-backend-cpu");
  else {
    const wasm = await import("@tensorflow/tfjs-backend-wasm");
    if (wasmPaths !== undefined) wasm.setWasmPaths(wasmPaths);
  }
  const name = `hulu-${engine}`;
  // Another copy of this package may have been here before.
  if (tf.findBackendFactory(name) === null) {
    const backend = await withoutListeners(async () => tf.findBackendFactory(engine)());
    if (engine === "wasm") guardHeap(heapOf(backend));
    // Else it advertises another backend on stderr.
    else Reflect.set(backend, "firstUse", false);
    tf.copyRegisteredKernels(engine, name);
    // The least priority: nobody gets it who did not ask for it.
    tf.registerBackend(name, () => backend, 0);
  }
  const reserve = engine === "wasm" ? reserving(heapOf(tf.findBackend(name))) : () => {};
  return { tf, engine, reserve, settled: () => settled(tf), within: (body) => within(tf, name, body) };
}

/** Room for a matrix's copy is looked for once: as long as the matrix is there, so is the copy. */
function reserving(heap: Heap): Runtime["reserve"] {
  const packed = new WeakSet<TfTensor>();
  return (matrix, product) => {
    if (packed.has(matrix)) return;
    heap._free(heap._malloc((matrix.size + product) * FLOAT));
    packed.add(matrix);
  };
}

/**
 * In Node, the WebAssembly module listens to the process's uncaught exceptions and unhandled rejections, and throws them
 * again: whatever the app has for them would never be reached. Its listeners, known by their words, are taken away.
 */
async function withoutListeners<T>(body: () => Promise<T>): Promise<T> {
  if (typeof process === "undefined" || typeof process.listeners !== "function") return body();
  const events = ["uncaughtException", "unhandledRejection"] as const;
  const before = events.map((event) => new Set<unknown>(process.listeners(event as "uncaughtException")));
  const result = await body();
  for (const [i, event] of events.entries())
    for (const listener of process.listeners(event as "uncaughtException"))
      if (!before[i]!.has(listener) && /ExitStatus|throw reason/.test(String(listener)))
        process.removeListener(event, listener);
  return result;
}

async function settled(tf: Tf): Promise<void> {
  const engine = tf.engine();
  while (Reflect.get(engine, "pendingBackendInit") != null) await engine.ready();
}

function within<T>(tf: Tf, name: string, body: () => T): T {
  const engine = tf.engine();
  // Typed as a string, but there is none before the first use.
  const before: string | undefined = engine.backendName;
  if (before === name) return body();
  // The promise tells nothing: a backend that has been started is switched to before the call returns.
  void engine.setBackend(name);
  try {
    return body();
  } finally {
    if (before !== undefined) void engine.setBackend(before);
    else {
      // There is no call for this. Ours would else be what an app gets that leaves the choice to TensorFlow.js.
      Reflect.set(engine, "backendName", undefined);
      Reflect.set(engine, "backendInstance", null);
    }
  }
}

/** The heap of the wasm backend, in so far as we look at it. */
interface Heap {
  _malloc: (bytes: number) => number;
  readonly _free: (address: number) => void;
  readonly HEAPU8: { readonly length: number };
}

const heapOf = (backend: KernelBackend): Heap => (backend as unknown as { readonly wasm: Heap }).wasm;

/** The end of a heap is left free for the small things of XNNPACK, which does not say when it gets no memory. */
const SPARE = 2 ** 25;
const END = 2 ** 32 - SPARE;

/**
 * A full heap gives out address 0, which TensorFlow.js does not look at: numbers would silently overwrite each other.
 * @see https://github.com/tensorflow/tfjs/blob/tfjs-v4.22.0/tfjs-backend-wasm/src/backend_wasm.ts
 */
function guardHeap(heap: Heap): void {
  // The first call of an export of Emscripten puts the real function in its own place, and would put it in ours.
  heap._free(heap._malloc(1));
  const malloc = heap._malloc;
  heap._malloc = (bytes) => {
    const address = malloc(bytes) >>> 0;
    if (address !== 0 && address + bytes <= END) return address;
    if (address !== 0) heap._free(address);
    throw new TfjsMemoryError(
      `no room for ${bytes} more bytes: the WebAssembly heap has grown to ${(heap.HEAPU8.length / GIB).toFixed(2)} of at most 4 GiB`,
    );
  };
}
