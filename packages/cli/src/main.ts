import { readFile } from "node:fs/promises";
import { ask } from "./ask.js";
import type { Command, Io } from "./command.js";
import { UsageError } from "./errors.js";
import { inspect } from "./inspect.js";
import { help, nearest, type Options, parseOptions } from "./options.js";
import { verify } from "./verify/command.js";
import { verifyInputsBy } from "./verify-inputs/command.js";
import { isolated } from "./verify-inputs/isolated.js";

export const commands: readonly Command[] = [ask, inspect, verify, verifyInputsBy(isolated)];
const always: Options = { help: { type: "boolean", help: "show this" } };

/**
 * Run the `hulu` command.
 * @param args what stands behind `hulu` on the command line
 * @returns the exit code: 0, 1 for a failure or a difference, 2 for a wrong call, 130 when interrupted
 */
export async function main(args: readonly string[], io: Io): Promise<number> {
  try {
    return await dispatch(args, io);
  } catch (error) {
    // Progress that was being told is written over.
    if (io.interactive) io.note("\r\x1b[K");
    if (io.signal.aborted) {
      io.note("hulu: interrupted\n");
      return 130;
    }
    io.note(`hulu: ${explain(error)}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

async function dispatch([name, ...rest]: readonly string[], io: Io): Promise<number> {
  if (name === undefined || name === "--help" || name === "help") {
    io.out(overview());
    return name === undefined ? 2 : 0;
  }
  if (name === "--version") {
    io.out(`${await version()}\n`);
    return 0;
  }
  const command = commands.find((c) => c.name === name);
  if (command === undefined) {
    const near = nearest(
      name,
      commands.map((c) => c.name),
    );
    throw new UsageError(
      `there is no command ${name}${near === undefined ? "" : `; did you mean ${near}?`} (${commands.map((c) => c.name).join(", ")})`,
    );
  }
  const options = { ...command.options, ...always };
  const parsed = parseOptions(rest, options);
  if (parsed.flag("help")) {
    io.out(help(command.usage, command.about, options));
    return 0;
  }
  return command.run(parsed, io);
}

const overview = (): string =>
  [
    "usage: hulu COMMAND [options]",
    "",
    ...commands.map((c) => `  ${c.name.padEnd(15)}${c.about.split("\n")[0]}`),
    "",
    "hulu COMMAND --help says more.",
    "",
  ].join("\n");

async function version(): Promise<string> {
  const manifest = await readFile(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(manifest) as { readonly version: string }).version;
}

/** An error for a person: its name, its code where it has one, and what it says. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error && typeof error.code === "string" ? ` (${error.code})` : "";
  return `${error.name}${code}: ${error.message}`;
}
