import { createHash } from "node:crypto";
import type { RgbImage } from "@hulu/processor";

/** What a reader gave does not agree with itself. */
class Wrong extends Error {
  override readonly name = "Wrong";
}

export function hold(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Wrong(what);
}

/** Hash of what came out. */
export class Digest {
  readonly #hash = createHash("sha256");
  add(value: ArrayBufferView | string | number): void {
    if (typeof value === "number") this.#hash.update(`${value};`);
    else if (typeof value === "string") this.#hash.update(value);
    else this.#hash.update(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  }
  image(image: RgbImage): void {
    const { data, width, height, grey16 } = image;
    hold(Number.isSafeInteger(width) && width > 0 && Number.isSafeInteger(height) && height > 0, "a size is no size");
    hold(data instanceof Uint8Array && data.length === width * height * 3, "the data are not of the picture's size");
    hold(grey16 === undefined || grey16.length === width * height, "the grey samples are not of the picture's size");
    this.add(width);
    this.add(data);
    if (grey16 !== undefined) this.add(grey16);
  }
  text(): string {
    return this.#hash.digest("hex");
  }
}
