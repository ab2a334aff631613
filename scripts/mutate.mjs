// Plants small faults in sources, one at a time, and sees whether the tests notice.
//
//   node scripts/mutate.mjs [--count 60] [--seed 1] [--time 120] [--jobs 1] [--tests packages/core,...] [file or folder...]
//
// Without paths it takes packages/core/src and packages/backend-reference/src. The tree is copied to a temporary folder
// and only the copy is touched, so that nobody's work is disturbed and nothing has to be put back. Which faults are planted
// depends on the seed and the sources alone. It ends with 1 when fewer than 85% are caught.
import { spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import ts from "typescript";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: "string", default: "60" },
    seed: { type: "string", default: "1" },
    time: { type: "string", default: "120" },
    jobs: { type: "string", default: "1" },
    tests: { type: "string", default: "packages/core,packages/testing,packages/backend-reference" },
    list: { type: "boolean", default: false },
  },
});
const NEEDED = 0.85;
const OPERATORS = {
  "+": "-",
  "-": "+",
  "*": "/",
  "/": "*",
  "%": "*",
  "+=": "-=",
  "-=": "+=",
  "*=": "/=",
  "**": "*",
  "<": "<=",
  "<=": "<",
  ">": ">=",
  ">=": ">",
  "===": "!==",
  "!==": "===",
  "&&": "||",
  "||": "&&",
};

const sources = (
  positionals.length > 0 ? positionals : ["packages/core/src", "packages/backend-reference/src"]
).flatMap((path) => filesUnder(resolve(root, path)));
const mutants = sample(sources.flatMap(mutantsOf), Number(values.count), Number(values.seed));
if (values.list) {
  for (const m of mutants) console.log(describe(m));
  process.exit(0);
}

const copies = [];
const children = new Set();
const clean = () => {
  for (const child of children) kill(child);
  for (const copy of copies) rmSync(copy, { recursive: true, force: true });
};
process.on("exit", clean);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(130));

const survivors = [];
let caught = 0;
const queue = [...mutants];
await Promise.all(
  Array.from({ length: Math.max(1, Number(values.jobs)) }, async (_, i) => {
    const copy = copyTree();
    if (i === 0) {
      const [first] = mutants;
      if (first === undefined) throw new Error("there is nothing to plant a fault in");
      if (!(await passes(copy, first.file)))
        throw new Error("the tests fail as they are; there is nothing to learn from faults");
    }
    for (let m = queue.shift(); m !== undefined; m = queue.shift()) {
      const place = join(copy, relative(root, m.file));
      const sound = readFileSync(place, "utf8");
      writeFileSync(place, sound.slice(0, m.from) + m.to + sound.slice(m.end));
      const began = Date.now();
      const survived = await passes(copy, m.file);
      writeFileSync(place, sound);
      if (survived) survivors.push(m);
      else caught++;
      console.log(
        `${survived ? "SURVIVED" : "caught  "} ${String(Math.round((Date.now() - began) / 1000)).padStart(3)}s  ${describe(m)}`,
      );
    }
  }),
);

const share = caught / mutants.length;
console.log(`\n${caught} of ${mutants.length} caught (${Math.round(share * 100)}%); seed ${values.seed}`);
if (survivors.length > 0) console.log(`survived:\n${survivors.map((m) => `  ${describe(m)}`).join("\n")}`);
process.exit(share >= NEEDED ? 0 : 1);

function describe(m) {
  return `${relative(root, m.file)}:${m.line}  ${m.was} -> ${m.to}   in  ${m.text}`;
}

function filesUnder(path) {
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { recursive: true })
    .map((name) => join(path, name))
    .filter((file) => file.endsWith(".ts") && !/\.(test|test-d|d)\.ts$/.test(file) && statSync(file).isFile())
    .sort();
}

/** Every small fault that a file has room for. */
function mutantsOf(file) {
  const text = readFileSync(file, "utf8");
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
  const found = [];
  const plant = (node, to) => {
    const from = node.getStart(source);
    const { line } = source.getLineAndCharacterOfPosition(from);
    found.push({
      file,
      from,
      end: node.end,
      was: node.getText(source),
      to,
      line: line + 1,
      text: text.split("\n")[line].trim(),
    });
  };
  const visit = (node) => {
    // Types and imports do nothing at run time.
    if (ts.isTypeNode(node) || ts.isImportDeclaration(node) || ts.isInterfaceDeclaration(node)) return;
    if (ts.isTypeAliasDeclaration(node)) return;
    if (ts.isBinaryExpression(node)) {
      const to = OPERATORS[node.operatorToken.getText(source)];
      if (to !== undefined) plant(node.operatorToken, to);
    }
    if (ts.isPrefixUnaryExpression(node)) {
      const operator = ts.tokenToString(node.operator);
      if (operator === "!" || operator === "-") {
        const from = node.getStart(source);
        plant({ getStart: () => from, end: node.operand.getStart(source), getText: () => operator }, "");
      }
    }
    if (node.kind === ts.SyntaxKind.TrueKeyword) plant(node, "false");
    if (node.kind === ts.SyntaxKind.FalseKeyword) plant(node, "true");
    if (ts.isNumericLiteral(node)) plant(node, String(Number(node.text.replaceAll("_", "")) + 1));
    if (ts.isPropertyAccessExpression(node) && /^Math\.(min|max)$/.test(node.getText(source)))
      plant(node.name, node.name.text === "min" ? "max" : "min");
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** Some of the mutants, the same for one seed. */
function sample(all, count, seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  for (let i = 0; i < 16; i++) next();
  const order = [...all];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order.slice(0, count);
}

/** The sources and the tests that are asked, with the installed packages as links. */
function copyTree() {
  const copy = mkdtempSync(join(tmpdir(), "hulu-mutants-"));
  copies.push(copy);
  const asked = values.tests.split(",").map((path) => resolve(root, path));
  const goes = (path) => {
    const name = relative(root, path);
    if (/(^|\/)(node_modules|dist|\.git|\.cache|coverage)$/.test(name)) return false;
    return !/\.test\.ts$/.test(name) || asked.some((folder) => path.startsWith(folder));
  };
  // What a test may read lies in the tree, the licence included.
  for (const name of readdirSync(root))
    if (goes(join(root, name))) cpSync(join(root, name), join(copy, name), { recursive: true, filter: goes });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  for (const name of readdirSync(join(root, "packages"))) {
    const modules = join(root, "packages", name, "node_modules");
    if (existsSync(modules)) symlinkSync(modules, join(copy, "packages", name, "node_modules"));
  }
  return copy;
}

/** Whether the tests that have to do with a file pass in a copy; too long is no pass. */
function passes(copy, file) {
  return new Promise((done) => {
    const args = ["vitest", "related", join(copy, relative(root, file)), "--run", "--bail=1", "--passWithNoTests"];
    // A group of its own, so that the workers of a run that hangs end with it.
    const child = spawn("npx", args, { cwd: copy, stdio: "ignore", detached: true, env: { ...process.env, CI: "1" } });
    children.add(child);
    const timer = setTimeout(() => kill(child), Number(values.time) * 1000);
    child.on("close", (code) => {
      clearTimeout(timer);
      children.delete(child);
      done(code === 0);
    });
  });
}

function kill(child) {
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
