import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeImage, type RgbImage } from "@hulu/processor";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { drawText, TEXT_HEIGHT, textWidth } from "./font.js";
import { Sheet, type Strip } from "./sheet.js";
import { checkTarget, writePng } from "./write.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "hulu-sheet-"));
});
afterAll(() => rm(folder, { recursive: true }));

const strip = (count: number, sides: Partial<Strip> = {}): Strip => ({
  title: "input",
  count,
  width: 56,
  height: 28,
  across: 4,
  side: 14,
  ...sides,
});
/** A frame whose pixels are all different from the sheet's ground, its ink and the strokes. */
const frame = (seed: number, { width, height }: Strip = strip(1)): RgbImage => ({
  width,
  height,
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) => 100 + ((i * 7 + seed) % 100)),
});
const pixel = ({ data, width }: RgbImage, x: number, y: number) => [
  ...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
];
/** Where a picture stands in another, whatever is around it. */
function find(sheet: RgbImage, wanted: RgbImage): readonly [number, number] | undefined {
  const bytes = Buffer.from(sheet.data);
  const line = (row: number) => wanted.data.subarray(row * wanted.width * 3, (row + 1) * wanted.width * 3);
  for (let at = bytes.indexOf(line(0)); at >= 0; at = bytes.indexOf(line(0), at + 1)) {
    const below = (row: number) => at + row * sheet.width * 3;
    const rows = Array.from({ length: wanted.height }, (_, row) => row);
    if (rows.every((row) => bytes.subarray(below(row), below(row) + wanted.width * 3).equals(line(row))))
      return [(at / 3) % sheet.width, Math.floor(at / 3 / sheet.width)];
  }
  return undefined;
}

describe("a sheet", () => {
  test("shows the very pixels of every frame, each in a place of its own", () => {
    const sheet = new Sheet([strip(30), strip(1, { width: 28, height: 14, across: 2 })]);
    const frames = Array.from({ length: 30 }, (_, i) => frame(i * 3));
    frames.forEach((image, index) => {
      sheet.add(0, { index, image, keep: new Uint8Array(8).fill(1) }, index / 2);
    });
    const other = frame(50, strip(1, { width: 28, height: 14 }));
    sheet.add(1, { index: 0, image: other, keep: undefined }, undefined);
    const places = [...frames, other].map((image) => find(sheet.image, image));
    expect(places).not.toContain(undefined);
    expect(new Set(places.map(String)).size).toBe(31);
    // In the order of reading.
    const rows = places.slice(0, 30).map((place) => place![1]);
    expect(rows).toEqual(rows.toSorted((a, b) => a - b));
  });

  test("marks the tokens that are pruned, and no others", () => {
    const sheet = new Sheet([strip(1)]);
    const image = frame(0);
    const keep = Uint8Array.of(1, 0, 1, 1, 1, 1, 1, 0);
    sheet.add(0, { index: 0, image, keep }, undefined);
    const corner = find(sheet.image, { ...image, ...crop(image, 14, 14) })!;
    for (let y = 0; y < 28; y++)
      for (let x = 0; x < 56; x++) {
        const token = Math.floor(y / 14) * 4 + Math.floor(x / 14);
        const [found, sent] = [pixel(sheet.image, corner[0] + x, corner[1] + y), pixel(image, x, y)];
        if (keep[token]) expect(found).toEqual(sent);
        else if (x % 14 === y % 14) expect(found).toEqual([230, 60, 60]);
        else expect(found).toEqual(sent.map((v) => Math.trunc(v * 0.35)));
      }
  });

  test("of thousands of frames shows some from the first to the last, and says how many it leaves out", () => {
    const long = strip(20_000);
    const sheet = new Sheet([long, strip(2)], 1_000_000);
    const shown = sheet.shown(0);
    expect(shown.length).toBeGreaterThan(20);
    expect([shown[0], shown.at(-1)]).toEqual([0, 19_999]);
    expect(new Set(shown).size).toBe(shown.length);
    expect(sheet.shown(1)).toEqual([0, 1]);
    expect(sheet.image.width * sheet.image.height).toBeLessThan(1_100_000);
    const title = `input, ${20_000 - shown.length} left out`;
    expect(find(sheet.image, textPicture(title))).toEqual([6, 6]);
    // A frame that is not shown changes nothing.
    const before = Buffer.from(sheet.image.data);
    sheet.add(0, { index: 1, image: frame(0, long), keep: undefined }, undefined);
    expect(before.equals(sheet.image.data)).toBe(true);
  });

  test("writes the number, the time and the tokens of a frame above it", () => {
    const sheet = new Sheet([strip(12)]);
    sheet.add(0, { index: 11, image: frame(0), keep: Uint8Array.of(1, 0, 1, 1, 1, 1, 1, 0) }, 5.5);
    expect(find(sheet.image, textPicture("#11 5.50s 6/8"))).toBeDefined();
    sheet.add(0, { index: 10, image: frame(0), keep: new Uint8Array(8).fill(1) }, undefined);
    expect(find(sheet.image, textPicture("#10 8"))).toBeDefined();
  });

  test("has a place for one frame that is larger than a sheet", () => {
    const sheet = new Sheet([strip(3, { width: 1400, height: 1400, across: 100 })], 1_000_000);
    expect(sheet.shown(0)).toEqual([0]);
    expect(sheet.image.width).toBeGreaterThan(1400);
    const [wide, two] = [strip(3, { width: 5600, across: 400 }), new Sheet([strip(3, { width: 5600, across: 400 })])];
    expect(two.shown(0)).toEqual([0, 1, 2]);
    expect(two.image.width).toBeGreaterThan(wide.width);
  });
});

const crop = (image: RgbImage, width: number, height: number) => ({
  width,
  height,
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [p, c] = [Math.floor(i / 3), i % 3];
    return image.data[(Math.floor(p / width) * image.width + (p % width)) * 3 + c]!;
  }),
});

/** A text on the sheet's ground, as it is written. */
function textPicture(text: string): RgbImage {
  const width = textWidth(text);
  const data = new Uint8Array(width * TEXT_HEIGHT * 3).map((_, i) => [24, 24, 32][i % 3]!);
  drawText(text, 0, 0, (x, y) => data.fill(235, (y * width + x) * 3, (y * width + x) * 3 + 3));
  return { data, width, height: TEXT_HEIGHT };
}

describe("letters", () => {
  test("are all different, and stay in their box", () => {
    const seen = new Map<string, string>();
    for (const letter of "0123456789abcdefghijklmnopqrstuvwxyz.,:/-+#?") {
      const dots: string[] = [];
      drawText(letter, 0, 0, (x, y) => {
        expect(x).toBeLessThan(textWidth(letter));
        expect(y).toBeLessThan(TEXT_HEIGHT);
        dots.push(`${x},${y}`);
      });
      expect(dots.length).toBeGreaterThan(3);
      expect(seen.get(dots.join(" "))).toBeUndefined();
      seen.set(dots.join(" "), letter);
    }
  });
});

describe("a preview's file", () => {
  test("is a PNG of the sheet, and nothing else is left there", async () => {
    const own = await mkdtemp(join(folder, "png-"));
    const image = frame(9);
    await writePng(image, join(own, "a.png"));
    await writePng(image, join(own, "a.png"));
    expect(await readdir(own)).toEqual(["a.png"]);
    const { data, width, height } = await decodeImage(await readFile(join(own, "a.png")));
    expect({ data: new Uint8Array(data), width, height }).toEqual(image);
    await mkdir(join(own, "b.png"));
    await expect(writePng(image, join(own, "b.png"))).rejects.toThrow();
    expect(await readdir(own)).toEqual(["a.png", "b.png"]);
  });

  test("is never one of the inputs", async () => {
    const own = await mkdtemp(join(folder, "inputs-"));
    const series = join(own, "series");
    await mkdir(series);
    for (const file of ["in.png", "series/1.png"]) await writeFile(join(own, file), "");
    await symlink(join(own, "in.png"), join(own, "link.png"));
    const inputs = [join(own, "in.png"), series, join(own, "nowhere")];
    for (const file of ["in.png", "link.png", "series/1.png", "./series/../in.png"])
      await expect(checkTarget(join(own, file), inputs)).rejects.toThrow(/is an input, and would be overwritten/);
    await expect(checkTarget(join(own, "out.png"), inputs)).resolves.toBeUndefined();
    await expect(checkTarget(join(own, "scan.dcm"), inputs)).rejects.toThrow(/must end in \.png/);
    await expect(checkTarget(join(own, "nowhere/out.png"), inputs)).rejects.toThrow(/cannot be read/);
    await mkdir(join(own, "folder.png"));
    await expect(checkTarget(join(own, "folder.png"), inputs)).rejects.toThrow(/is a folder/);
  });
});
