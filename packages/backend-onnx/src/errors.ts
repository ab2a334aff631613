/** onnxruntime-node, which this backend runs on, is not there. */
export class OnnxRuntimeMissingError extends Error {
  override readonly name = "OnnxRuntimeMissingError";
  constructor(cause: unknown) {
    const said = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    super(
      `onnxruntime-node cannot be loaded: add it to your project (npm install onnxruntime-node). It said: ${said}`,
      {
        cause,
      },
    );
  }
}

/** A model's weights do not fit into one message; only weights in local files can be larger. */
export class ModelTooLargeError extends Error {
  override readonly name = "ModelTooLargeError";
  constructor(program: string, bytes: number) {
    super(
      `${program}: its weights take ${bytes} bytes inside the ONNX model, which ends at 2 GiB; open the checkpoint from a local file, then they stay there`,
    );
  }
}

/** ONNX Runtime refused a model or failed in a run: a mistake of this backend, or no memory left. */
export class OnnxRuntimeError extends Error {
  override readonly name = "OnnxRuntimeError";
  constructor(program: string, doing: "load" | "run", cause: unknown) {
    const said = cause instanceof Error ? cause.message : String(cause);
    super(`${program}: ONNX Runtime failed to ${doing} it: ${said}`, { cause });
  }
}
