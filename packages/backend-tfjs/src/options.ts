/** What of TensorFlow.js computes: its WebAssembly kernels, or its plain JavaScript ones. */
export type TfjsEngine = "wasm" | "cpu";

export interface TfjsOptions {
  /** `wasm` unless given; `cpu` is some ten to a hundred times slower, and needs no WebAssembly. */
  readonly engine?: TfjsEngine;
  /**
   * The URL of the folder with the .wasm files of @tensorflow/tfjs-backend-wasm, with a slash at its end. Not needed in
   * Node; in a page, where a bundler has moved the script away from them.
   */
  readonly wasmPaths?: string;
}
