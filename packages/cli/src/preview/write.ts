import { randomUUID } from "node:crypto";
import { realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import type { RgbImage } from "@hulu/processor";
import sharp from "sharp";
import { UsageError, unreadable } from "../errors.js";

/**
 * Where a preview may be written: a .png that is none of the inputs, nor a file that lies in one of them.
 * @throws UsageError
 */
export async function checkTarget(file: string, inputs: readonly string[]): Promise<void> {
  if (!/\.png$/i.test(file)) throw new UsageError(`--preview writes PNG; ${basename(file)} must end in .png`);
  const folder = await realpath(dirname(file)).catch(unreadable(dirname(file)));
  const target = await realpath(file).catch(() => undefined);
  if (target === undefined) return;
  if ((await stat(target)).isDirectory()) throw new UsageError(`--preview ${file} is a folder`);
  for (const input of inputs) {
    const there = await realpath(input).catch(() => undefined);
    const own = join(folder, basename(file));
    if (there !== undefined && [target, own].some((path) => path === there || path.startsWith(there + sep)))
      throw new UsageError(`--preview ${file} is an input, and would be overwritten`);
  }
}

/** A picture as a PNG file, written beside and renamed: there is never half of one. */
export async function writePng({ data, width, height }: RgbImage, file: string): Promise<void> {
  const bytes = await sharp(data, { raw: { width, height, channels: 3 }, limitInputPixels: false })
    .png()
    .toBuffer();
  const beside = join(dirname(file), `.${basename(file)}.${randomUUID()}`);
  try {
    await writeFile(beside, bytes, { flag: "wx" });
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}
