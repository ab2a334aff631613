import type { Command, Io } from "../command.js";
import { UsageError } from "../errors.js";
import type { Options } from "../options.js";
import type { Checked, Task } from "./check.js";
import { judged, type Row } from "./expect.js";
import { tasksOf } from "./folder.js";

const options: Options = {
  json: { type: "boolean", help: "one JSON object: {results: [{file, expect, outcome, code, ok}]}" },
};

/** What checks one file after the other, and is closed behind the last. */
export interface Checker {
  check(task: Task): Promise<Checked>;
  close(): Promise<void>;
}

/** @param open makes the checker that the command is going to use */
export const verifyInputsBy = (open: (signal: AbortSignal) => Checker): Command => ({
  name: "verify-inputs",
  usage: "hulu verify-inputs DIR [--json]",
  about:
    "Read a folder of pictures, volumes, series and videos, and hold them against published numbers.\nExit 0: all is as expected; 1: a difference; 2: nothing to read.",
  options,
  run: async (parsed, io) => {
    const [root, ...more] = parsed.positionals;
    if (root === undefined || more.length > 0) throw new UsageError("verify-inputs takes one folder");
    const tasks = await tasksOf(root);
    const checker = open(io.signal);
    const results: Row[] = [];
    const json = parsed.flag("json");
    try {
      for (const task of tasks) {
        io.signal.throwIfAborted();
        const { row, why } = judged(task.file, task.expect, await checker.check(task));
        results.push(row);
        if (!json) io.out(line(row));
        tell(io, row, why);
      }
    } finally {
      await checker.close();
    }
    if (json) io.out(`${JSON.stringify({ results })}\n`);
    const failed = results.filter(({ ok }) => !ok).length;
    io.note(`${results.length - failed} as expected, ${failed} not\n`);
    return failed > 0 ? 1 : 0;
  },
});

/** The first few differences: one changed array may differ everywhere. */
const MOST_REASONS = 5;
function tell(io: Io, { file }: Row, why: readonly string[]): void {
  for (const reason of why.slice(0, MOST_REASONS)) io.note(`${file}: ${reason}\n`);
  if (why.length > MOST_REASONS) io.note(`${file}: and ${why.length - MOST_REASONS} more\n`);
}

const line = ({ file, expect, outcome, code, ok }: Row): string =>
  `${(ok ? "ok" : "fail").padEnd(6)}${outcome.padEnd(10)}${(code ?? "").padEnd(24)}${expect.padEnd(18)}${file}\n`;
