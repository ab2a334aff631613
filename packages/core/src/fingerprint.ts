import { type Programs, paramsOf } from "./graph/graph.js";
import { print } from "./graph/print.js";
import type { WeightSource } from "./weights/source.js";

/**
 * A short hash of programs and weights: of the printed programs, every weight's type and shape, and the first row of some
 * of them (reading all would take as long as loading). 64 bits of FNV-1a: it finds a mistake, it does not stop a forger.
 */
export async function fingerprint(programs: Programs, weights: WeightSource): Promise<string> {
  const hash = new Fnv();
  const params = new Set<string>();
  for (const name of Object.keys(programs).sort()) {
    const graph = programs[name]!;
    hash.text(print(graph));
    for (const path of paramsOf(graph).keys()) params.add(path);
  }
  const sorted = [...params].sort();
  for (const path of sorted) hash.text(`${path} ${JSON.stringify(weights.info(path) ?? null)}`);
  const every = Math.ceil(sorted.length / 16);
  for (let i = 0; i < sorted.length; i += every) hash.bytes(await weights.read(sorted[i]!, { rows: [0, 1] }));
  return hash.digest();
}

class Fnv {
  #low = 0x811c9dc5;
  #high = 0x01000193;
  bytes(data: Uint8Array): void {
    for (const byte of data) {
      this.#low = Math.imul(this.#low ^ byte, 0x01000193);
      this.#high = Math.imul(this.#high ^ (byte + 0x9e), 0x85ebca6b);
    }
  }
  text(s: string): void {
    this.bytes(new TextEncoder().encode(s));
  }
  digest(): string {
    return [this.#high, this.#low].map((n) => (n >>> 0).toString(16).padStart(8, "0")).join("");
  }
}
