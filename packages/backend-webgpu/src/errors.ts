export type WebgpuErrorCode = "no-webgpu" | "no-adapter" | "package-missing" | "too-large";

/** A model cannot be run with WebGPU here. What fails later, on the device, is a `DeviceError`. */
export class WebgpuError extends Error {
  override readonly name = "WebgpuError";
  constructor(
    readonly code: WebgpuErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
