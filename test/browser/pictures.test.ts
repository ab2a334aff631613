import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { decodeFrames, decodeImage } from "@hulu/processor";
import { beforeAll, describe, expect, test } from "vitest";
import type { App } from "./app/app.js";
import { browsing, type Opened } from "./browser.js";
import { putApp } from "./bundles.js";

declare const hulu: App;
interface Entry {
  readonly kind: string;
  readonly expect: string;
  readonly size: readonly [number, number];
  readonly rgb: { readonly sha256: string };
}
const { files } = JSON.parse(readFileSync("test/data/samples/goldens.json", "utf8")) as {
  readonly files: Readonly<Record<string, Entry>>;
};

const { site, open } = browsing();
let opened: Opened;
beforeAll(async () => {
  await putApp(site);
  opened = await open('<script type="module" src="/app/app.js"></script>');
  await opened.page.waitForFunction(() => "hulu" in globalThis);
});

/** A sample as the page reads it, by the browser's own decoders or by default; or the code of the refusal. */
async function read(path: string, options = {}, by: "browser" | "default" = "browser") {
  const found = await opened.page.evaluate(
    async ([path, options, by]) => {
      const bytes = new Uint8Array(await (await hulu.bytesOf(`/samples/${path}`)).arrayBuffer());
      try {
        const { frames, delays } = await hulu.processor.decodeFrames(bytes, {
          ...options,
          ...(by === "browser" && { decoders: [hulu.processor.webDecoder] }),
        });
        const text = frames.map(({ data }) => {
          let all = "";
          for (let at = 0; at < data.length; at += 4096) all += String.fromCharCode(...data.subarray(at, at + 4096));
          return btoa(all);
        });
        return { frames: text, size: [frames[0]!.width, frames[0]!.height], delays };
      } catch (error) {
        return { code: (error as { code?: string }).code ?? String(error) };
      }
    },
    [path, options, by] as const,
  );
  return { ...found, frames: found.frames?.map((text) => Buffer.from(text, "base64")) ?? [] };
}
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

const pictures = Object.entries(files).filter(([, { kind }]) => kind === "image");
const decoded = pictures.filter(([, e]) => e.expect === "decode");
/** What the browser has no exact pixels of is refused by name, not read otherwise. */
const UNSUPPORTED = ["cmyk.jpg", "gray16.tif", "palette_trns.png", "rgba.png", "rgb.bmp"].map(
  (name) => `nasty/${name}`,
);
const isJpeg = (path: string) => path.endsWith("retina.jpg") || /(exif|progressive).*jpg$/.test(path);

describe("the browser's own decoders read a picture file", () => {
  const same = decoded.filter(([path]) => !UNSUPPORTED.includes(path) && !isJpeg(path));
  test.each(same)("%s with the pixels of Node", async (path, { size }) => {
    const found = await read(path);
    const { frames, delays } = await decodeFrames(new Uint8Array(readFileSync(`test/data/samples/${path}`)));
    expect(found).toMatchObject({ size });
    expect(found.frames.map(sha256)).toEqual(frames.map(({ data }) => sha256(data)));
    expect(found.delays).toEqual(delays);
  });

  // Two decoders differ in how they scale up a JPEG's colours, so at their edges.
  test.each(decoded.filter(([path]) => isJpeg(path)))("%s near those of Node, unturned", async (path, { size }) => {
    const found = await read(path);
    const { data } = await decodeImage(new Uint8Array(readFileSync(`test/data/samples/${path}`)));
    expect(found).toMatchObject({ size });
    const off = data.map((v, i) => Math.abs(v - found.frames[0]![i]!));
    expect(off.reduce((most, d) => Math.max(most, d), 0)).toBeLessThanOrEqual(32);
    expect(off.filter((d) => d <= 4).length / off.length).toBeGreaterThanOrEqual(0.9);
  });

  test.each(UNSUPPORTED)("%s is refused by name", async (path) => {
    expect(await read(path)).toMatchObject({ code: "image-unsupported" });
  });

  test.each(pictures.filter(([, e]) => e.expect.startsWith("reject")))("%s is refused", async (path) => {
    expect((await read(path)).code).toMatch(/^image-(format|corrupt|too-large)$/);
  });

  test("a limit holds for the header, and for all frames together", async () => {
    expect(await read("2d/ihc.png", { maxPixels: 512 * 512 - 1 })).toEqual({ code: "image-too-large", frames: [] });
    expect((await read("2d/ihc.png", { maxPixels: 512 * 512 })).size).toEqual([512, 512]);
    for (const path of ["2d/ihc.png", "2d/retina.jpg"])
      expect(await read(path, { maxPixels: 1000 }, "default")).toEqual({ code: "image-too-large", frames: [] });
    expect(await read("nasty/animated.gif", { maxPixels: 257 * 193 * 3 })).toMatchObject({ code: "image-too-large" });
    expect(await read("nasty/gray16.png", { grey16: "clip" })).toMatchObject({ code: "image-unsupported" });
  });

  test("where there is none, PNG and JPEG are read, and the error says what to give", async () => {
    const { page } = await open('<script type="module" src="/app/app.js"></script>');
    await page.waitForFunction(() => "hulu" in globalThis);
    const error = await page.evaluate(async () => {
      Reflect.deleteProperty(globalThis, "ImageDecoder");
      const bytes = async (path: string) => new Uint8Array(await (await hulu.bytesOf(path)).arrayBuffer());
      for (const path of ["2d/ihc.png", "nasty/cmyk.jpg", "nasty/rgb.bmp"])
        await hulu.processor.decodeImage(await bytes(`/samples/${path}`));
      const webp = await bytes("/samples/nasty/lossless.webp");
      return hulu.processor.decodeImage(webp).catch(({ name, code, message }) => ({ name, code, message }));
    });
    expect(error).toMatchObject({ name: "ProcessorError", code: "image-decoder-missing" });
    expect((error as { message: string }).message).toContain("{ data, width, height }");
    await page.close();
  });
});
