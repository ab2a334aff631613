import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { root } from "../../scripts/tools.mjs";
import type { App } from "./app/app.js";
import { type Facts, factsOf, seriesFacts } from "./app/facts.js";
import { browsing } from "./browser.js";
import { putApp } from "./bundles.js";

declare const hulu: App;
const SAMPLES = join(root, "test/data/samples");
interface Entry {
  readonly kind: string;
  readonly expect: string;
  readonly rgb?: { readonly sha256: string };
  readonly frames_rgb?: readonly { readonly sha256: string }[];
}
const { files, series } = JSON.parse(readFileSync(join(SAMPLES, "goldens.json"), "utf8")) as {
  readonly files: Readonly<Record<string, Entry>>;
  readonly series: Readonly<Record<string, unknown>>;
};
const table = Object.entries(files).filter(([, { kind }]) => kind !== "other");
const folders = [...new Set([...Object.keys(series), "nasty/series_mixed", "nasty/series_gap"])];

/** What a page does not read, and Node does. Everything else is the same. */
const ONLY_IN_NODE = new Map([
  // The demuxer of a page wants the whole of a Matroska file's last cluster; Node gives the frames before the cut.
  ["nasty/truncated.webm", "video-corrupt"],
  ["nasty/gray16.tif", "image-unsupported"],
  ["video/us_cine_mjpeg.avi", "video-unsupported"],
]);
const ffmpeg: string =
  process.env.HULU_FFMPEG ??
  createRequire(join(root, "packages/processor/package.json"))("@ffmpeg-installer/ffmpeg").path;

const { site, open } = browsing();
/** All that the page found, from one load of it. */
let found: ReadonlyMap<string, Facts>;
beforeAll(async () => {
  await putApp(site);
  const { page, errors } = await open('<script type="module" src="/app/app.js"></script>');
  await page.waitForFunction(() => "hulu" in globalThis);
  const all = await page.evaluate(
    async ([files, folders]) => {
      const bytesOf = async (path: string) =>
        new Uint8Array(await (await hulu.bytesOf(`/samples/${path}`)).arrayBuffer());
      const found: [string, Facts][] = [];
      for (const [path, kind] of files) {
        const image = path.endsWith(".hdr") ? await bytesOf(path.replace(".hdr", ".img")) : undefined;
        found.push([path, await hulu.facts.factsOf(kind, await bytesOf(path), image && { image })]);
      }
      for (const [folder, names] of folders) {
        const blobs = await Promise.all(names.map((name) => hulu.bytesOf(`/samples/${folder}/${name}`)));
        found.push([folder, await hulu.facts.seriesFacts(blobs)]);
      }
      return JSON.stringify(found);
    },
    [table.map(([path, { kind }]) => [path, kind]), folders.map((folder) => [folder, namesIn(folder)])] as [
      [string, string][],
      [string, string[]][],
    ],
  );
  expect(errors).toEqual([]);
  found = new Map(JSON.parse(all));
  await page.close();
}, 300_000);

const bytesOf = (path: string) => new Uint8Array(readFileSync(join(SAMPLES, path)));
const namesIn = (folder: string) => readdirSync(join(SAMPLES, folder)).sort();
/** As it comes out of the page: without what is undefined, and NaN as null. */
const plain = (facts: Facts): Facts => JSON.parse(JSON.stringify(facts));

describe("a page finds in a file what Node finds", () => {
  test.each(table)("%s", async (path, golden) => {
    const image = path.endsWith(".hdr") ? bytesOf(path.replace(".hdr", ".img")) : undefined;
    const inNode = plain(await factsOf(golden.kind, bytesOf(path), { ffmpeg, ...(image && { image }) }));
    const inPage = found.get(path)!;
    const code = ONLY_IN_NODE.get(path);
    if (code !== undefined) {
      expect([inPage.code, inPage.opened, inNode.code]).toEqual([code, { code }, undefined]);
      return;
    }
    expect(inPage).toEqual(inNode);
    expect(String(inPage.code ?? "")).toMatch(/^$|^(image|dicom|nifti|video|input)-[a-z-]+$/);
    if (golden.expect === "decode") {
      expect(inPage.code).toBeUndefined();
      expect((inPage.opened as { frames: string[] }).frames.length).toBeGreaterThan(0);
    }
    if (golden.expect === "reject") expect(inPage.code).toBeDefined();
    // Pillow turns 16-bit grey white; ours is the high byte.
    if (golden.kind === "image" && golden.rgb && inPage.rgb && inPage.grey16 === undefined)
      expect((inPage.rgb as string[])[0]).toBe(golden.rgb.sha256);
  });

  test.each(folders)("the series in %s", async (folder) => {
    const blobs = namesIn(folder).map((name) => new Blob([bytesOf(`${folder}/${name}`)]));
    expect(found.get(folder)).toEqual(plain(await seriesFacts(blobs)));
    expect(found.get(folder)!.slices).toHaveLength(folder === "nasty/series_gap" ? 3 : 5);
  });
});
