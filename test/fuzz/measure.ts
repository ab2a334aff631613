import { readFileSync, writeFileSync } from "node:fs";

const MB = 1024 ** 2;

/** What one input asked for and held, in MB. */
export interface Memory {
  /** Resident, the most since {@link MemoryWatch.begin}, over what was held then. */
  readonly resident: number;
  /** The longest array or buffer that was asked for, whether or not it was ever written to. */
  readonly array: number;
  /** The largest memory of WebAssembly that is still there. */
  readonly wasm: number;
}

/**
 * Counts what is allocated in this process. It puts itself between the sources and the constructors of buffers, so it must be
 * made before anything else runs.
 */
export class MemoryWatch {
  #longest = 0;
  #resident = 0;
  readonly #memories = new Set<WeakRef<WebAssembly.Memory>>();

  constructor() {
    for (const name of ["ArrayBuffer", "SharedArrayBuffer", ...VIEWS] as const) this.#watch(name);
    for (const name of ["alloc", "allocUnsafe", "allocUnsafeSlow"] as const) {
      const original = Buffer[name];
      Buffer[name] = ((length: number, ...rest: []) => {
        this.#asked(length);
        return original.call(Buffer, length, ...rest);
      }) as typeof Buffer.alloc;
    }
    this.#watchWasm();
  }

  begin(): void {
    this.#longest = 0;
    this.#resident = resetPeak();
  }

  end(): Memory {
    let wasm = 0;
    for (const ref of this.#memories) {
      const memory = ref.deref();
      if (memory === undefined) this.#memories.delete(ref);
      else wasm = Math.max(wasm, memory.buffer.byteLength);
    }
    return { resident: peak() - this.#resident, array: this.#longest / MB, wasm: wasm / MB };
  }

  #asked(bytes: unknown): void {
    if (typeof bytes === "number" && bytes > this.#longest) this.#longest = bytes;
  }

  #watch(name: (typeof VIEWS)[number] | "ArrayBuffer" | "SharedArrayBuffer"): void {
    const original = globalThis[name] as unknown as Constructor;
    const size = original.BYTES_PER_ELEMENT ?? 1;
    const watched: typeof original = new Proxy(original, {
      construct: (target, args: unknown[], newTarget): object => {
        const [first] = args;
        if (typeof first === "number") this.#asked(first * size);
        else if (Array.isArray(first)) this.#asked(first.length * size);
        return Reflect.construct(target, args, newTarget === watched ? target : newTarget);
      },
    });
    // Libraries ask an array for its constructor to know what it is.
    original.prototype.constructor = watched;
    Object.defineProperty(globalThis, name, { value: watched, configurable: true, writable: true });
  }

  /** Memories that a module makes for itself are among what its instance exports. */
  #watchWasm(): void {
    const keep = (instance: WebAssembly.Instance) => {
      for (const value of Object.values(instance.exports))
        if (value instanceof WebAssembly.Memory) this.#memories.add(new WeakRef(value));
    };
    const { instantiate, Instance, Memory } = WebAssembly;
    WebAssembly.instantiate = (async (source: BufferSource, imports?: WebAssembly.Imports) => {
      const made = (await instantiate(source, imports)) as
        | WebAssembly.WebAssemblyInstantiatedSource
        | WebAssembly.Instance;
      keep(made instanceof Instance ? made : made.instance);
      return made;
    }) as typeof instantiate;
    WebAssembly.Instance = new Proxy(Instance, {
      construct: (target, args) => {
        const made = Reflect.construct(target, args) as WebAssembly.Instance;
        keep(made);
        return made;
      },
    });
    WebAssembly.Memory = new Proxy(Memory, {
      construct: (target, args) => {
        const made = Reflect.construct(target, args) as WebAssembly.Memory;
        this.#memories.add(new WeakRef(made));
        return made;
      },
    });
  }
}

type Constructor = { new (...args: unknown[]): object; prototype: object; BYTES_PER_ELEMENT?: number };

const VIEWS = [
  "Uint8Array",
  "Int8Array",
  "Uint8ClampedArray",
  "Uint16Array",
  "Int16Array",
  "Uint32Array",
  "Int32Array",
  "Float32Array",
  "Float64Array",
  "BigInt64Array",
  "BigUint64Array",
] as const;

/** Linux can forget a process's peak; elsewhere it is the peak since the process began, and what grows is still seen. */
function resetPeak(): number {
  try {
    writeFileSync("/proc/self/clear_refs", "5");
  } catch {
    return peak();
  }
  return process.memoryUsage.rss() / MB;
}

function peak(): number {
  try {
    return Number(/VmHWM:\s*(\d+)/.exec(readFileSync("/proc/self/status", "latin1"))![1]) / 1024;
  } catch {
    return process.resourceUsage().maxRSS / 1024;
  }
}
