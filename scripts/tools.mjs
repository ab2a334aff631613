// What the other scripts share: where things are, how a tool is run, and how a list of steps is run and counted.
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { failedStep, failedTests, lastOutput, told } from "./failures.mjs";

export const root = fileURLToPath(new URL("..", import.meta.url));

const json = (file) => JSON.parse(readFileSync(file, "utf8"));
const windows = process.platform === "win32";

/** The workspace's packages: folder and manifest. */
export const packages = () =>
  readdirSync(join(root, "packages"))
    .map((name) => join(root, "packages", name))
    .map((folder) => ({ folder, manifest: json(join(folder, "package.json")) }));

/** @typedef {{ cwd?: string, env?: Record<string, string>, capture?: boolean }} Options */

/**
 * Run a command; its output goes to the terminal, or with `capture` into the result. Rejects when it exits other than 0;
 * the error's `output` is the last that the command wrote, where that did not go straight to a terminal.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {Options} [options]
 * @returns {Promise<string>}
 */
export const run = (command, args, { cwd = root, env = {}, capture = false } = {}) =>
  new Promise((resolve, reject) => {
    // npm and npx need a shell on Windows, where they are .cmd files.
    const shell = windows && command !== process.execPath;
    // Whoever sits at a terminal can scroll back; of a log the end may be all there is.
    const output = capture || !process.stdout.isTTY ? "pipe" : "inherit";
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", output, output],
      shell,
    });
    const chunks = [];
    const last = lastOutput();
    for (const name of ["stdout", "stderr"])
      child[name]?.on("data", (data) => {
        if (capture) chunks.push(data);
        else process[name].write(data);
        last.add(data.toString());
      });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      const text = Buffer.concat(chunks).toString();
      if (code === 0) return resolve(text);
      const message = [`${command} ${args.join(" ")} exited with ${code ?? signal}`, text].join("\n").trim();
      reject(Object.assign(new Error(message), { output: capture ? "" : last.text() }));
    });
  });

/**
 * Run a node script.
 * @param {readonly string[]} args
 * @param {Options} [options]
 */
export const node = (args, options) => run(process.execPath, args, options);

/**
 * Run the command of an installed package, without a shell.
 * @param {string} name
 * @param {readonly string[]} args
 * @param {Options & { from?: string }} [options] `from`: the package, where it is not called as its command
 */
export function tool(name, args, { from = name, ...options } = {}) {
  const manifest = join(root, "node_modules", from, "package.json");
  const { bin } = json(manifest);
  const entry = typeof bin === "string" ? bin : bin[name];
  return node([join(dirname(manifest), entry), ...args], options);
}

/**
 * pnpm in the version that package.json pins; a machine with nothing but Node has npx.
 * @param {readonly string[]} args
 * @param {Options} [options]
 */
export const pnpm = (args, options) =>
  run("npx", ["--yes", json(join(root, "package.json")).packageManager, ...args], options);

export const install = () => pnpm(["install", "--frozen-lockfile"]);

let reports = 0;

/** Run vitest, and give how many tests passed, failed and were skipped, and what failed. */
export async function vitest(args, options) {
  // Of its own, as another may run beside it.
  const report = join(root, ".cache", `vitest-${++reports}.json`);
  mkdirSync(dirname(report), { recursive: true });
  rmSync(report, { force: true });
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const error = await tool("vitest", ["run", ...reporters, ...args], options).then(
    () => undefined,
    (cause) => cause,
  );
  let results;
  try {
    results = json(report);
  } catch {
    throw error ?? new Error("vitest left no report");
  }
  const { numPassedTests: passed, numPendingTests, numTodoTests } = results;
  const failures = failedTests(results, root);
  // An error outside a test fails the run although no test did.
  if (error && failures.length === 0) failures.push({ name: "outside of the tests", lines: failedStep(error) });
  if (!error && passed === 0) throw new Error("no test ran");
  return { passed, failed: failures.length, skipped: numPendingTests + numTodoTests, failures };
}

/** Run `task` over the items, `width` at a time. */
export async function parallel(items, task, width = 2) {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await task(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
}

/** @typedef {{ name: string, run: () => Promise<unknown>, after?: string }} Step */

/**
 * Run steps in turn: `{ name, run, after }`; those of a list within the list run two at a time. A step counts as one, or as
 * the tests that it gives counts of. All are run but those whose `after`, the name of an earlier step, did not pass. Prints
 * each with its time, a summary and what failed, and sets the exit code.
 * @param {readonly (Step | readonly Step[])[]} steps
 */
export async function runSteps(steps) {
  const done = [];
  const start = performance.now();
  for (const turn of steps) await parallel([turn].flat(), (step) => runStep(step, done));
  summarize(steps.flat(), done, (performance.now() - start) / 1000);
}

async function runStep({ name, run: work, after }, done) {
  if (after !== undefined && !done.some((step) => step.name === after && step.failed === 0)) return;
  console.log(`\n== ${name}`);
  const start = performance.now();
  const counts = await work().then(
    (given) => (typeof given === "object" ? given : { passed: 1, failed: 0, skipped: 0 }),
    (cause) => {
      console.error(cause instanceof Error ? cause.message : cause);
      return { passed: 0, failed: 1, skipped: 0, failures: [{ name, lines: failedStep(cause) }] };
    },
  );
  const seconds = (performance.now() - start) / 1000;
  done.push({ name, seconds, ...counts });
  console.log(`== ${name}: ${counts.failed ? "FAILED" : "passed"} in ${seconds.toFixed(1)} s`);
}

function summarize(steps, done, seconds) {
  const total = (key) => done.reduce((n, step) => n + step[key], 0);
  const row = (outcome, seconds, name) => `${outcome.padEnd(8)}${seconds.toFixed(1).padStart(6)} s  ${name}`;
  console.log("");
  for (const { name, seconds, passed, failed } of done)
    console.log(row(failed ? "FAILED" : "passed", seconds, `${name} (${passed}/${passed + failed})`));
  const left = steps.filter((step) => !done.some(({ name }) => name === step.name));
  if (left.length > 0) console.log(`not run: ${left.map((step) => step.name).join(", ")}`);
  console.log(row("", seconds, "in all"));
  const skipped = total("skipped") ? `, ${total("skipped")} skipped` : "";
  console.log(`${total("passed")} passed, ${total("failed")} failed${skipped}`);
  for (const line of told(done)) console.log(line);
  process.exitCode = total("failed") > 0 ? 1 : 0;
}
