import { DeviceError } from "@hulu/planner";

const FILTERS = ["internal", "validation", "out-of-memory"] as const;

interface Found {
  /** Of the calls, the one that it came from. */
  readonly order: number;
  readonly error: DeviceError;
  /** The how-manieth telling it was a part of. */
  told?: number;
}

/**
 * What went wrong in the work of one model. WebGPU tells it behind the call: it is kept until somebody waits for the device.
 * Errors of others who use the same device are not caught here.
 */
export class Faults {
  readonly #device: GPUDevice;
  readonly #checks = new Set<Promise<void>>();
  #found: Found[] = [];
  #calls = 0;
  #told = 0;
  #waiting = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /**
   * @param doing what `body` asks of the device, for the message
   * @param failed is called when the device refused it, later
   */
  guarded<T>(doing: string, body: () => T, failed?: (error: DeviceError) => void): T {
    for (const filter of FILTERS) this.#device.pushErrorScope(filter);
    try {
      return body();
    } finally {
      const order = this.#calls++;
      for (const filter of FILTERS.toReversed()) this.#watch(filter, doing, order, failed);
    }
  }

  #watch(filter: GPUErrorFilter, doing: string, order: number, failed?: (error: DeviceError) => void): void {
    const check = this.#device
      .popErrorScope()
      .then(
        (wrong) => {
          if (wrong === null) return;
          const error = deviceError(filter, doing, wrong.message);
          this.#found.push({ order, error });
          failed?.(error);
        },
        // Only on a device that is lost, which is told by itself.
        () => {},
      )
      .finally(() => this.#checks.delete(check));
    this.#checks.add(check);
  }

  /** An error that no call of ours is known for. */
  add(error: DeviceError): void {
    this.#found.push({ order: this.#calls++, error });
  }

  /**
   * Wait for something of the device, and hear what went wrong until then. An error is told once, to all that wait for the
   * device at that time: any of them may have got numbers that it spoiled. What followed from it is dropped.
   * @throws DeviceError
   */
  async heard<T>(body: () => Promise<T>): Promise<T> {
    const since = this.#told;
    this.#waiting++;
    try {
      const result = await body().catch((cause: unknown) =>
        cause instanceof Error ? cause : new Error(String(cause)),
      );
      if (result instanceof DeviceError) throw result;
      await Promise.all(this.#checks);
      this.#tell(since);
      if (result instanceof Error)
        throw new DeviceError("failed", `the GPU gives nothing back: ${result.message}`, { cause: result });
      return result;
    } finally {
      if (--this.#waiting === 0) this.#found = this.#found.filter((f) => f.told === undefined);
    }
  }

  #tell(since: number): void {
    const mine = this.#found.filter(({ told }) => told === undefined || told > since);
    if (mine.length === 0) return;
    this.#told++;
    for (const found of mine) found.told ??= this.#told;
    throw mine.reduce((first, found) => (found.order < first.order ? found : first)).error;
  }
}

function deviceError(filter: GPUErrorFilter, doing: string, said: string): DeviceError {
  const words = said.trim().split("\n")[0];
  return filter === "out-of-memory"
    ? new DeviceError("out-of-memory", `the GPU has no memory for ${doing}: ${words}`)
    : new DeviceError("failed", `the GPU refused ${doing}: ${words}`);
}
