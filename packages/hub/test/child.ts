import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { onTestFinished } from "vitest";
import type { FetchOptions } from "../src/options.js";
import { temporaryFolder } from "./server.js";

const index = fileURLToPath(new URL("../src/index.ts", import.meta.url));

/** The package's sources as one file that Node runs: `node FILE SOURCE OPTIONS` prints the folder, or the error's code. */
export async function bundledChild(): Promise<string> {
  const outfile = join(await temporaryFolder(), "child.mjs");
  const contents = `
    import { fetchCheckpoint } from ${JSON.stringify(index)};
    const [, , source, options] = process.argv;
    fetchCheckpoint(source, JSON.parse(options)).then(
      (folder) => process.stdout.write(folder),
      (error) => { process.stdout.write("error " + error.code); process.exitCode = 1; },
    );`;
  await build({
    stdin: { contents, resolveDir: process.cwd() },
    bundle: true,
    platform: "node",
    format: "esm",
    outfile,
    logLevel: "silent",
  });
  return outfile;
}

export interface Child {
  readonly process: ChildProcess;
  /** What it printed, once it has ended. */
  readonly ended: Promise<string>;
}

export function runChild(file: string, source: string, options: FetchOptions, shell?: string): Child {
  const args = [file, source, JSON.stringify(options)];
  const child =
    shell === undefined
      ? spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] })
      : spawn("sh", ["-c", `${shell}; exec "$0" "$@"`, process.execPath, ...args], {
          stdio: ["ignore", "pipe", "inherit"],
        });
  onTestFinished(() => void child.kill("SIGKILL"));
  const ended = new Promise<string>((resolve) => {
    let out = "";
    child.stdout!.on("data", (data) => {
      out += data;
    });
    child.on("close", () => resolve(out));
  });
  return { process: child, ended };
}
