// What is told of failures at the end of a run: where a log is kept by its end, the end must say what failed.
import { relative } from "node:path";
import { stripVTControlCharacters } from "node:util";

const TESTS = 20;
const LINES_OF_TEST = 5;
const LINES_OF_STEP = 15;
const WIDTH = 300;
const HEADING = "What failed";
/** What a run that is a step of another may have written below its heading, at most. */
const LINES_OF_REPORT = 150;
/** Rules between lines, and calls within what is installed. */
const NOISE = /^\s*(⎯+|(at|❯) .*(node_modules|<anonymous>|node:internal).*)$/;
/** Characters of output that are kept for it. */
const KEPT = 65_536;

/** @typedef {{ name: string, lines: readonly string[] }} Failure */

/** The last output of a command, as much as is told of it: `add` what comes, `text` is what is kept. */
export function lastOutput() {
  let kept = "";
  return {
    add(text) {
      kept = (kept + text).slice(-KEPT);
    },
    text: () => kept,
  };
}

/**
 * The tests that failed, and the files that did not load, of vitest's JSON report.
 * @param {{ testResults: readonly object[] }} report
 * @param {string} root
 * @returns {Failure[]}
 */
export function failedTests({ testResults }, root) {
  return testResults.flatMap(({ name, status, message, assertionResults }) => {
    const file = relative(root, name);
    const failed = assertionResults.filter((test) => test.status === "failed");
    // A file that does not load has no test that failed.
    if (failed.length === 0 && status === "failed") return [{ name: file, lines: first(message) }];
    return failed.map(({ ancestorTitles, title, failureMessages }) => ({
      name: [file, ...ancestorTitles, title].join(" > "),
      lines: first(failureMessages.join("\n")),
    }));
  });
}

/**
 * What a command wrote last; of one that told what failed, just that.
 * @param {unknown} cause what `run` of tools.mjs rejected with, or any error
 */
export function failedStep(cause) {
  const message = cause instanceof Error ? cause.message : String(cause);
  const written = lines(cause?.output ?? "");
  const told = written.findLastIndex((line) => line.startsWith(HEADING));
  const last = told === -1 ? written.slice(-LINES_OF_STEP) : written.slice(told + 1).slice(0, LINES_OF_REPORT);
  return [...lines(message).slice(-LINES_OF_STEP), ...last];
}

/**
 * @param {readonly { name: string, failures?: readonly Failure[] }[]} steps
 * @returns {string[]} nothing where nothing failed
 */
export function told(steps) {
  const failed = steps.flatMap(({ name: step, failures = [] }) => failures.map((failure) => ({ step, ...failure })));
  if (failed.length === 0) return [];
  const shown = failed.slice(0, TESTS).flatMap(({ step, name, lines }) => {
    const title = name === step ? step : `${step}: ${name}`;
    return [`- ${title}`, ...lines.map((line) => `    ${line}`)];
  });
  const more = failed.length > TESTS ? [`and ${failed.length - TESTS} more`] : [];
  return ["", `${HEADING}:`, ...shown, ...more];
}

const first = (message) => lines(message ?? "").slice(0, LINES_OF_TEST);

function lines(text) {
  return stripVTControlCharacters(text)
    .split(/\r?\n/)
    .map((line) => (line.length > WIDTH ? `${line.slice(0, WIDTH)} ...` : line).trimEnd())
    .filter((line) => line !== "" && !NOISE.test(line));
}
