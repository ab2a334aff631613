import { ProcessorError } from "@hulu/processor";
import type { Files, Format } from "./format.js";
import { CANARY } from "./format.js";

const held: unknown[] = [];
const error = (message: string, options?: ErrorOptions) => new ProcessorError("image-corrupt", message, options);

/** Everything that a reader must not do, by the number in a file's one byte, with what the runner must say of it. */
export const FAULTS: readonly (readonly [says: RegExp, fault: (bytes: Uint8Array) => unknown])[] = [
  [
    /^hangs: no answer in 2 s/,
    () => {
      for (;;);
    },
  ],
  [/^hangs: no answer in 2 s/, () => new Promise(() => {})],
  [/^the process ended with/, () => process.kill(process.pid, "SIGSEGV")],
  [
    /^the process ended with/,
    () => {
      for (;;) held.push(new Array(1e7).fill(0));
    },
  ],
  [/process\.exit\(3\) was called/, () => process.exit(3)],
  [
    /^an unhandled rejection/,
    () => {
      void Promise.reject(new Error("left"));
    },
  ],
  [
    /^an uncaught error/,
    () => {
      setTimeout(() => {
        throw new Error("late");
      }, 0);
      return new Promise((done) => setTimeout(done, 10));
    },
  ],
  [/^something was printed/, () => console.log("hello")],
  [/^something was printed/, () => console.warn("hello")],
  [/^an error that is none of ours: TypeError/, () => (undefined as unknown as Files).length],
  [
    /^an error that is none of ours/,
    () => {
      throw "a text";
    },
  ],
  [
    /^a message that quotes the file/,
    () => {
      throw error(`the patient ${CANARY} has no pixels`);
    },
  ],
  [
    /^a message that quotes the file/,
    () => {
      throw error("no pixels", { cause: new Error(CANARY.slice(3, 9).toUpperCase()) });
    },
  ],
  [
    /^a message not fit to be read/,
    () => {
      throw error("width is undefined");
    },
  ],
  [
    /^a message of 900 characters/,
    () => {
      throw error("x".repeat(900));
    },
  ],
  [
    /^the code chat-template is none of an input/,
    () => {
      throw new ProcessorError("chat-template", "no");
    },
  ],
  [/^array memory of 300 MB/, () => new Float64Array((300 * 2 ** 20) / 8).length],
  [/^(?:array|resident) memory of \d+ MB/, () => Buffer.alloc(300 * 2 ** 20).length],
  [/^array memory of 1024 MB/, () => new ArrayBuffer(2 ** 30).byteLength],
  [
    /^resident memory of \d+ MB/,
    () => {
      const all = Array.from({ length: 40 }, () => new Uint8Array(10 * 2 ** 20).fill(1));
      return all.length;
    },
  ],
  [
    /^wasm memory of 320 MB/,
    () => {
      new WebAssembly.Memory({ initial: 1 }).grow(320 * 16 - 1);
    },
  ],
  [
    /^wasm memory of 320 MB/,
    () =>
      WebAssembly.instantiate(
        Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 5, 4, 1, 0, 0x80, 0x28, 7, 5, 1, 1, 109, 2, 0),
      ).then(({ instance }) => held.push(instance)),
  ],
  [/^read twice: read 0, then read 1/, () => held.push(0) - 1],
  [
    /^file 0 was changed by reading it/,
    (bytes) => {
      bytes[0] = 255;
    },
  ],
];

/** Not among the formats. */
export const faulty: Format = {
  name: "faulty",
  // One that does nothing wrong: whole files are read before others are.
  seeds: async () => [[Uint8Array.of(254)]],
  layout: () => ({ pieces: [], places: [] }),
  async read([bytes]) {
    return String((await FAULTS[bytes![0]!]?.[1](bytes!)) ?? "");
  },
};
