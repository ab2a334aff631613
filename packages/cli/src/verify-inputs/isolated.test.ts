import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, expect, test } from "vitest";
import { bundle } from "../../../../test/bundle.js";
import type { Task } from "./check.js";
import type { Checker } from "./command.js";
import { isolated } from "./isolated.js";

const root = "test/data/samples";
const { files } = JSON.parse(await readFile(`${root}/goldens.json`, "utf8"));
const task = (file: string): Task => ({ root, file, list: "files", expect: files[file].expect, entry: files[file] });
const source = fileURLToPath(new URL("./serve.ts", import.meta.url));

/** A process that misbehaves when a file is called so, and checks the others. */
const misbehaving = `
  import { check } from ${JSON.stringify(fileURLToPath(new URL("./check.ts", import.meta.url)))};
  const hoard = [];
  process.on("message", async (task) => {
    if (task.file === "hang") for (;;);
    if (task.file === "crash") process.kill(process.pid, "SIGSEGV");
    if (task.file === "exit") process.exit(3);
    if (task.file === "hoard") for (;;) hoard.push(Buffer.alloc(16e6, 1));
    if (task.file === "nonsense") return void process.send({});
    process.send({ kind: "checked", checked: await check(task), maxRss: task.file === "was large" ? 1e12 : 0 });
  });
  process.send({ kind: "ready" });
`;
let [real, bad] = ["", ""];
beforeAll(async () => {
  real = await bundle(`import { serveChecks } from ${JSON.stringify(source)}; serveChecks(process);`);
  bad = await bundle(misbehaving);
});
let checker: Checker | undefined;
afterEach(() => checker?.close());
const bounds = { time: 1500, start: 20_000, memory: 4e8 };
const signal = new AbortController().signal;

test("a file is checked elsewhere as it is here", async () => {
  checker = isolated(signal, real, { ...bounds, time: 10_000, memory: 1e9 });
  expect(await checker.check(task("nasty/rgba.png"))).toEqual({ outcome: "decoded", wrong: [] });
  expect(await checker.check(task("nasty/bomb.png"))).toEqual({
    outcome: "rejected",
    code: "image-too-large",
    wrong: [],
  });
});

test.each([
  ["hang", "timeout", "it took more than 1.5 s"],
  ["crash", "crash", "the process ended (SIGSEGV)"],
  ["exit", "crash", "the process ended (3)"],
  ["hoard", "memory", "it took more than 400 MB of memory"],
  ["was large", "memory", "it took more than 400 MB of memory"],
  ["nonsense", "crash", "the process said something else"],
])("what would %s costs its own row", async (file, code, why) => {
  checker = isolated(signal, bad, bounds);
  const before = await checker.check(task("nasty/thin.png"));
  expect(await checker.check({ ...task("nasty/thin.png"), file })).toEqual({
    outcome: "rejected",
    code,
    wrong: [why],
  });
  expect(await checker.check(task("nasty/thin.png"))).toEqual(before);
  expect(before).toEqual({ outcome: "decoded", wrong: [] });
});

test("an interruption ends a file that hangs", async () => {
  const control = new AbortController();
  checker = isolated(control.signal, bad, { ...bounds, time: 60_000 });
  await checker.check(task("nasty/thin.png"));
  const hanging = checker.check({ ...task("nasty/thin.png"), file: "hang" });
  setTimeout(() => control.abort(new Error("enough")), 100);
  await expect(hanging).rejects.toThrow("enough");
});

test("a process that does not start is told", async () => {
  checker = isolated(signal, await bundle("process.exit(7);"), bounds);
  await expect(checker.check(task("nasty/thin.png"))).rejects.toThrow(/does not start: the process ended \(7\)/);
});
