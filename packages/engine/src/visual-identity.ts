import { type PruneOptions, pruneDefaults } from "@hulu/core";
import type { FileInput, FrameSource, PassOrder, PreprocessorConfig, RgbImage, Size } from "@hulu/processor";
import { filePieces } from "./file-input.js";
import { hasSha256, hex, sha256 } from "./sha256.js";

/** A visual input without its pixels: which ones they are, and what decides their size in a prompt. */
export interface Seen {
  /** SHA-256, in hexadecimal: of the decoded frames, or of the files that a clip or a volume is; see `FramesHash`, `hashOfFiles`. */
  readonly hash: string;
  readonly frames: number;
  /** Of the first frame, in pixels. */
  readonly height: number;
  readonly width: number;
}

const BEFORE_RANDOM = "random-";

/**
 * A strong hash of decoded frames, which come one by one: two patients' pictures must never be taken for one another. Each
 * frame's hash is over its sides and its RGB bytes, the whole one over those of the frames.
 *
 * A page that was not loaded over https has no `crypto.subtle`. There every input gets a random name: it is then only
 * equal to itself, and equal pictures are computed again.
 */
export class FramesHash {
  #entries = new Uint8Array(40);
  #count = 0;

  async add({ data, width, height }: RgbImage): Promise<void> {
    const at = this.#count++ * 40;
    if (this.#entries.length < at + 40) {
      const larger = new Uint8Array(this.#entries.length * 2);
      larger.set(this.#entries);
      this.#entries = larger;
    }
    const view = new DataView(this.#entries.buffer);
    view.setUint32(at, width);
    view.setUint32(at + 4, height);
    this.#entries.set(await sha256(data), at + 8);
  }

  /** Of the frames so far, in hexadecimal. */
  async value(): Promise<string> {
    return hex(await sha256(this.#entries.subarray(0, this.#count * 40)));
  }
}

/** Of all frames of a source. */
export async function hashOfFrames(source: FrameSource, signal?: AbortSignal): Promise<string> {
  if (!hasSha256()) return randomName();
  const hash = new FramesHash();
  for await (const frame of source.frames({ signal })) await hash.add(frame);
  return hash.value();
}

/**
 * A strong hash of files, and of how they are read: where a clip or a volume is a file, it is known by that, and need not be
 * decoded twice.
 * @param reading plain data that decides which frames come out of the files
 */
export async function hashOfFiles(
  files: readonly FileInput[],
  reading: unknown,
  signal?: AbortSignal,
): Promise<string> {
  if (!hasSha256()) return randomName();
  const digests: string[][] = [];
  for (const file of files) {
    const own: string[] = [];
    for await (const piece of filePieces(file)) {
      signal?.throwIfAborted();
      own.push(hex(await sha256(piece)));
    }
    digests.push(own);
  }
  return hex(await sha256(new TextEncoder().encode(JSON.stringify(["files", reading, digests]))));
}

/** A name that no other input has, where none will be held against it. */
export const randomName = (): string => BEFORE_RANDOM + hex(crypto.getRandomValues(new Uint8Array(32)));

/** Whether a name is such a one: nothing can be held against it. */
export const isRandom = (hash: string): boolean => hash.startsWith(BEFORE_RANDOM);

/** What a hash may look like. */
export const isHash = (hash: unknown): boolean => typeof hash === "string" && /^(random-)?[0-9a-f]{64}$/.test(hash);

/** All that decides a visual input's rows, apart from the model. */
export interface Cut {
  /** What the frames are resized to, in pixels: the only thing that the aspect decides. */
  readonly size: Size;
  readonly merge: number;
  readonly passOrder: PassOrder | undefined;
  readonly prune: PruneOptions | undefined;
  readonly preprocessor: PreprocessorConfig;
}

/** The same for visual inputs of which each row is the same, and for no others. */
export function visualKey({ hash }: Seen, { size, merge, passOrder, prune, preprocessor }: Cut): string {
  const { mean, std, rescaleFactor, patchSize } = preprocessor;
  const rule = prune === undefined || prune.rule === "off" ? "off" : ruleOf(prune);
  const cut = [size.height, size.width, merge, passOrder ?? "pillow13", rule];
  return JSON.stringify([hash, ...cut, mean, std, rescaleFactor, patchSize]);
}

const ruleOf = ({ rule, threshold = pruneDefaults.threshold, minTokens = pruneDefaults.minTokens }: PruneOptions) => [
  rule,
  threshold,
  minTokens,
];
