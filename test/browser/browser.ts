import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { Site } from "./site.js";

/** Where the browser is: `HULU_CHROMIUM`, or a command of one of its names. */
function executable(): string {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
  const paths = process.env.HULU_CHROMIUM ?? names.flatMap((name) => folders.map((folder) => join(folder, name)));
  for (const path of [paths].flat())
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // The next one, then.
    }
  throw new Error("these tests need Chromium: apt-get install chromium, or HULU_CHROMIUM=path");
}

/** A page, and what it reported. */
export interface Opened {
  readonly page: Page;
  /** What the page threw and nobody caught, and refused modules and files. */
  readonly errors: string[];
}

/** A browser and a site for the tests of a file. */
export function browsing() {
  let browser: Browser;
  const site = new Site();
  beforeAll(async () => {
    await site.start();
    // The sandbox cannot be had by root, which CI is. WebGPU computes on SwiftShader, which a page is not given unasked.
    const args = ["--no-sandbox", "--enable-unsafe-webgpu"];
    browser = await chromium.launch({ executablePath: executable(), args });
  });
  afterAll(async () => {
    await browser?.close();
    await site.stop();
  });
  return {
    site,
    version: () => browser.version(),
    /** Open a page of the site that runs one script. */
    async open(script: string, head = ""): Promise<Opened> {
      const page = await browser.newPage();
      const errors: string[] = [];
      page.on("pageerror", (error) => errors.push(String(error)));
      site.put("/", `<!doctype html><meta charset="utf-8"><title>hulu</title>${head}${script}`, "text/html");
      await page.goto(site.address);
      return { page, errors };
    },
  };
}
