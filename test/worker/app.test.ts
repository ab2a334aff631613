import { execFile } from "node:child_process";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { bundle } from "../bundle.js";

// An app that a bundler has put into one file, which loads before anything else of it has run.
const APP = `
  import { reference } from "@hulu/backend-reference";
  import { load } from "@hulu/engine";
  await using model = await load("test/data/goldens/q3-p16", { backend: reference });
  console.log((await model.ask("What is it?", { maxTokens: 2 }).result()).tokenIds.length);
`;
const run = async (file: string) => (await promisify(execFile)(process.execPath, [file])).stdout.trim();

test("an app in one file loads at its top level", async () => {
  expect(await run(await bundle(APP))).toBe("2");
});

test("also where the worker's file lies beside it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "hulu-app-"));
  try {
    await copyFile(await bundle(APP), join(folder, "app.mjs"));
    await writeFile(join(folder, "worker-entry.js"), "");
    expect(await run(join(folder, "app.mjs"))).toBe("2");
  } finally {
    await rm(folder, { recursive: true });
  }
});
