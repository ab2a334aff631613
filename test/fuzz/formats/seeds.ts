import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import sharp, { type Sharp } from "sharp";
import { Dice } from "../../dice.js";
import { CANARY } from "../format.js";

/** A file of the tests' data; the runner says where they are, because a bundle lies elsewhere. */
export const data = (path: string): Uint8Array =>
  new Uint8Array(
    readFileSync(`${process.env.HULU_DATA ?? fileURLToPath(new URL("../../data", import.meta.url))}/${path}`),
  );

export const sample = (path: string): Uint8Array => data(`samples/${path}`);

/** Smooth with a little noise: samples of any number of bits. */
export function pattern(width: number, height: number, channels: number, most = 255): number[] {
  const dice = new Dice(width * 31 + height);
  return Array.from({ length: width * height * channels }, (_, i) => {
    const x = Math.floor(i / channels) % width;
    const y = Math.floor(i / channels / width);
    const value = (x / width + ((y * ((i % channels) + 1)) / height) * 0.7 + dice.next() * 0.1) / 1.8;
    return Math.min(most, Math.floor(value * most));
  });
}

/** A small picture for sharp to write, with the canary in its tags. */
export function picture(width: number, height: number, channels: 1 | 3 | 4 = 3): Sharp {
  const data = Uint8Array.from(pattern(width, height, channels));
  const raw = sharp(data, { raw: { width, height, channels } });
  const tagged = raw.withExif({ IFD0: { ImageDescription: CANARY, Artist: CANARY } });
  return channels === 1 ? tagged.toColourspace("b-w") : tagged;
}

export const written = async (image: Sharp): Promise<Uint8Array> => new Uint8Array(await image.toBuffer());
