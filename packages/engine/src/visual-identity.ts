import { type PruneOptions, pruneDefaults } from "@hulu/core";
import type { PassOrder, PreprocessorConfig, RgbImage, Size } from "@hulu/processor";
import { hasSha256, hex, sha256 } from "./sha256.js";

/** A visual input without its pixels: which ones they are, and what decides their size in a prompt. */
export interface Seen {
  /** SHA-256 of the decoded frames, in hexadecimal; see `hashOfFrames`. */
  readonly hash: string;
  readonly frames: number;
  /** Of the first frame, in pixels. */
  readonly height: number;
  readonly width: number;
}

const BEFORE_RANDOM = "random-";

/**
 * A strong hash of decoded frames: two patients' pictures must never be taken for one another. Each frame's hash is over
 * its sides and its RGB bytes, the whole one over those of the frames.
 *
 * A page that was not loaded over https has no `crypto.subtle`. There every input gets a random name: it is then only
 * equal to itself, and equal pictures are computed again.
 */
export async function hashOfFrames(frames: readonly RgbImage[]): Promise<string> {
  if (!hasSha256()) return randomName();
  const all = new Uint8Array(frames.length * 40);
  const view = new DataView(all.buffer);
  for (const [i, { data, width, height }] of frames.entries()) {
    view.setUint32(i * 40, width);
    view.setUint32(i * 40 + 4, height);
    all.set(await sha256(data), i * 40 + 8);
  }
  return hex(await sha256(all));
}

/** A name that no other input has, where none will be held against it. */
export const randomName = (): string => BEFORE_RANDOM + hex(crypto.getRandomValues(new Uint8Array(32)));

/** Whether frames are those that a hash was taken of; a random name cannot tell, and does not deny it. */
export const isHashOf = async (hash: string, frames: readonly RgbImage[]): Promise<boolean> =>
  hash.startsWith(BEFORE_RANDOM) || (await hashOfFrames(frames)) === hash;

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
