import { openDevice } from "./gpu/open.js";
import { SharedDevice } from "./gpu/shared.js";
import type { WebgpuOptions } from "./options.js";

/** The device of a backend: the caller's, or one of its own, which is opened when it is first needed and again when it was lost. */
export class Devices {
  readonly #options: WebgpuOptions;
  #open: Promise<SharedDevice> | undefined;

  constructor(options: WebgpuOptions) {
    this.#options = options;
  }

  /** @throws WebgpuError, and DeviceError `lost` for a device of the caller's that is */
  async get(): Promise<SharedDevice> {
    this.#open ??= this.#opened();
    const open = this.#open;
    try {
      const shared = await open;
      if (shared.lost === undefined || !shared.owned) return shared;
    } catch (error) {
      if (this.#open === open) this.#open = undefined;
      throw error;
    }
    // Whoever comes first opens the next one.
    if (this.#open === open) this.#open = undefined;
    return this.get();
  }

  async #opened(): Promise<SharedDevice> {
    const { device } = this.#options;
    if (device !== undefined) return new SharedDevice(device, false);
    return new SharedDevice(await openDevice(this.#options), true);
  }
}
