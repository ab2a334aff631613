import { backendOption, chosenBackend } from "../backends.js";
import type { Command, Io } from "../command.js";
import { UsageError } from "../errors.js";
import type { Options } from "../options.js";
import { discover, type Task, Variants } from "./discover.js";
import { failure, type Row } from "./row.js";

const options: Options = {
  backend: backendOption,
  case: { type: "string", value: "GLOB", help: "only the cases whose name fits; * stands for anything" },
  json: {
    type: "boolean",
    help: "one JSON object: {backend, results: [{case, stage, status, ok, maxAbs, bound, reason}]}",
  },
};

export const verify: Command = {
  name: "verify",
  usage: "hulu verify DIR [--backend NAME] [--case GLOB] [--json]",
  about:
    "Hold a backend against a folder of published numbers.\nExit 0: something ran and nothing failed; 1: a difference; 2: nothing to run.",
  options,
  run: async (parsed, io) => {
    const [root, ...more] = parsed.positionals;
    if (root === undefined || more.length > 0) throw new UsageError("verify takes one folder of goldens");
    const variants = new Variants(await chosenBackend(parsed, io), io.signal);
    const fits = matcher(parsed.text("case"));
    const tasks = (await discover(root, variants)).filter((t) => fits(t.name));
    if (tasks.length === 0)
      throw new UsageError(
        parsed.text("case") === undefined ? `${root} holds no cases` : `no case of ${root} fits ${parsed.text("case")}`,
      );
    const json = parsed.flag("json");
    const results = await runAll(tasks, variants, io, (row) => json || io.out(line(row)));
    if (results.length === 0) throw new UsageError(`${root} holds no cases`);
    if (json) io.out(`${JSON.stringify({ backend: variants.backend.name, results })}\n`);
    const failed = results.filter((r) => !r.ok).length;
    const unsupported = results.filter((r) => r.status === "unsupported").length;
    io.note(
      `${variants.backend.name}: ${results.length - failed - unsupported} passed, ${failed} failed${unsupported > 0 ? `, ${unsupported} unsupported` : ""}\n`,
    );
    return failed > 0 ? 1 : 0;
  },
};

/** Run the tasks of one checkpoint together, and let go of it behind them. */
async function runAll(tasks: readonly Task[], variants: Variants, io: Io, show: (row: Row) => void): Promise<Row[]> {
  const results: Row[] = [];
  let open: string | undefined;
  for (const task of tasks) {
    io.signal.throwIfAborted();
    if (open !== undefined && task.variant !== undefined && task.variant !== open) await variants.close(open);
    open = task.variant ?? open;
    const rows = await task.run().catch((error: unknown) => [failure(task.name, "", error)]);
    for (const row of rows) show(row);
    results.push(...rows);
  }
  if (open !== undefined) await variants.close(open);
  return results;
}

/** A glob over whole case names: `*` stands for anything, `/` included, `?` for one character. */
function matcher(glob: string | undefined): (name: string) => boolean {
  if (glob === undefined) return () => true;
  const pattern = glob
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  const whole = new RegExp(`^${pattern}$`, "u");
  return (name) => whole.test(name);
}

function line({ case: name, stage, status, maxAbs, bound, reason }: Row): string {
  const figures =
    bound > 0 ? `${maxAbs.toExponential(2)} of ${bound.toExponential(0)}` : maxAbs === 0 ? "equal" : `${maxAbs} differ`;
  const told = status === "pass" ? figures : maxAbs === 0 ? reason : `${figures}: ${reason}`;
  return `${status.padEnd(12)}${name}  ${stage}  ${told}\n`;
}
