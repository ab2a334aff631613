import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join, posix } from "node:path";
import { describe, expect, test } from "vitest";
import { findCycle } from "./cycles.js";
import { type Package, packageOf, packages, parse, root, type SourceFile, typescriptBelow } from "./source.js";

/** Which packages a package may import, by the folder's name. A new package must be entered here. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  safetensors: [],
  core: [],
  hub: [],
  processor: ["core"],
  "backend-reference": ["core"],
  "backend-onnx": ["core"],
  "backend-tfjs": ["core"],
  kernels: [],
  planner: ["core", "kernels"],
  "backend-webgpu": ["core", "kernels", "planner"],
  engine: ["core", "hub", "processor", "safetensors"],
  testing: ["core", "safetensors", "backend-reference"],
  cli: [
    "core",
    "processor",
    "safetensors",
    "engine",
    "backend-reference",
    "backend-onnx",
    "backend-tfjs",
    "backend-webgpu",
    "kernels",
  ],
};

/** They run in browsers as they are, so no built-in of Node may be imported by name. */
const WITHOUT_NODE = [
  "core",
  "hub",
  "safetensors",
  "processor",
  "backend-reference",
  "backend-tfjs",
  "kernels",
  "planner",
  "backend-webgpu",
  "engine",
];

const MOST_LINES = 400;

const all = packages();
const ours = new Set(all.map((p) => p.manifest.name));
const sourcesOf = (p: Package) => p.files.filter((f) => !f.isTest);
const tests = [
  ...all.flatMap((p) => p.files.filter((f) => f.isTest)),
  ...typescriptBelow(join(root, "test")).map(parse),
];

describe.each(all.map((p) => [p.short, p] as const))("packages/%s", (short, p) => {
  const sources = sourcesOf(p);
  const dependencies = { ...p.manifest.dependencies, ...p.manifest.peerDependencies };

  test("imports only what stands below it", () => {
    const may = MAY_IMPORT[short];
    expect(may, `${short} has no line in MAY_IMPORT`).toBeDefined();
    const wrong = sources.flatMap((f) =>
      f.imports
        .filter(({ specifier }) => {
          // The sources of kernels, which every language shares.
          if (specifier.endsWith(".wgsl"))
            return !posix.join(posix.dirname(f.path), specifier).startsWith("kernels/wgsl/");
          if (specifier.startsWith("."))
            return !posix.join(posix.dirname(f.path), specifier).startsWith(`packages/${short}/src/`);
          const name = packageOf(specifier);
          return name !== undefined && ours.has(name) && !may?.includes(name.replace("@hulu/", ""));
        })
        .map(({ specifier }) => `${f.path} imports ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  test("has no cycle of imports between its files, imports of types left out", () => {
    const known = new Set(sources.map((f) => f.path));
    const graph = new Map(sources.map((f) => [f.path, imported(f, known)]));
    expect(findCycle(graph)?.join(" -> ")).toBeUndefined();
  });

  test("declares the dependencies that it uses, and no others", () => {
    const used = new Set(sources.flatMap((f) => f.imports.flatMap(({ specifier }) => packageOf(specifier) ?? [])));
    // What a package of ours asks for as a peer is provided by being declared.
    const provided = all
      .filter((q) => p.manifest.dependencies?.[q.manifest.name])
      .flatMap((q) => Object.keys(q.manifest.peerDependencies ?? {}));
    const declared = Object.keys(dependencies);
    expect({
      undeclared: [...used].filter((name) => !declared.includes(name)),
      unused: declared.filter((name) => !used.has(name) && !provided.includes(name)),
    }).toEqual({ undeclared: [], unused: [] });
  });

  test("tells tsc of the packages that it depends on", () => {
    const references = referencesOf(`packages/${short}/tsconfig.json`).map((path) => path.replace("../", ""));
    const depends = Object.keys(dependencies).filter((name) => ours.has(name));
    expect(references.sort()).toEqual(depends.map((name) => name.replace("@hulu/", "")).sort());
    expect(referencesOf("tsconfig.json")).toContain(`packages/${short}`);
    expect(referencesOf("test/tsconfig.json")).toContain(`../packages/${short}`);
  });

  test("never says any", () => {
    expect(sources.flatMap((f) => f.anyLines.map((line) => `${f.path}:${line}`))).toEqual([]);
  });

  test(`has files of at most ${MOST_LINES} lines`, () => {
    const lines = (f: SourceFile) => f.text.split("\n").length - 1;
    expect(sources.filter((f) => lines(f) > MOST_LINES).map((f) => `${f.path}: ${lines(f)}`)).toEqual([]);
  });

  test("has the fields that every package has", () => {
    expect(p.manifest).toMatchObject({
      name: `@hulu/${short}`,
      version: all[0]?.manifest.version,
      description: expect.stringMatching(/\w/),
      license: "Apache-2.0",
      type: "module",
      sideEffects: false,
      engines: { node: ">=20" },
      exports: {
        ".": { types: "./dist/index.d.ts", default: "./dist/index.js" },
        "./package.json": "./package.json",
      },
      files: ["dist", "!dist/.tsbuildinfo"],
    });
    expect(Object.keys((p.manifest.exports as Record<string, object>)["."] ?? {})).toEqual(["types", "default"]);
  });

  test("pins what it depends on", () => {
    for (const [name, range] of Object.entries({ ...p.manifest.dependencies, ...p.manifest.devDependencies }))
      expect(`${name} ${range}`).toMatch(ours.has(name) ? / workspace:\*$/ : / \d+\.\d+\.\d+$/);
  });
});

test.each(WITHOUT_NODE)("packages/%s imports no built-in of Node", (short) => {
  const builtIn = all
    .filter((p) => p.short === short)
    .flatMap(sourcesOf)
    // What is for Node alone says so by its name, and is an entry of its own.
    .filter((f) => !/\/src\/node(?:\.ts$|\/)/.test(f.path))
    .flatMap((f) =>
      f.imports.filter((i) => isBuiltin(i.specifier) && !i.typeOnly).map((i) => `${f.path}: ${i.specifier}`),
    );
  expect(builtIn).toEqual([]);
});

test("a dependency has one version in the whole workspace", () => {
  const versions = new Map<string, Set<string>>();
  for (const { manifest } of all)
    for (const [name, range] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }))
      versions.set(name, (versions.get(name) ?? new Set()).add(range));
  expect([...versions].filter(([, ranges]) => ranges.size > 1)).toEqual([]);
});

test("no test is skipped, planned or run alone", () => {
  const marked = tests.flatMap((f) =>
    f.text
      .split("\n")
      .flatMap((line, i) => (/\b(?:it|test|describe)\.(?:skip|only|todo)\b/.test(line) ? `${f.path}:${i + 1}` : [])),
  );
  expect(marked).toEqual([]);
});

test("no file of the repository names a path of somebody's machine", () => {
  const listing = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: root });
  const files = listing.toString().split("\0");
  const text = /\.(?:ts|mjs|cjs|js|json|md|yaml|yml|sh|py)$|^[^.]+$|^\.[^/]+(?:\/run)?$/;
  const machine = /(?<![\w.])\/(?:wor[k]|roo[t]|hom[e]|User[s])\/\w|(?<![\w.])\/tm[p]\/\w/;
  const wrong = files
    // Base64 may spell anything.
    .filter((file) => !file.startsWith("packages/processor/src/dicom/codec/wasm/"))
    .filter((file) => text.test(file) && !file.startsWith("test/data/") && existsSync(join(root, file)))
    .flatMap((file) =>
      readFileSync(join(root, file), "utf8")
        .split("\n")
        .flatMap((line, i) => (machine.test(line) ? `${file}:${i + 1}` : [])),
    );
  expect(wrong).toEqual([]);
});

/** The files of the same package that a file loads when it runs. */
function imported(file: SourceFile, known: ReadonlySet<string>): readonly string[] {
  return file.imports
    .filter(({ specifier, typeOnly }) => specifier.startsWith(".") && !typeOnly)
    .map(({ specifier }) => posix.join(posix.dirname(file.path), specifier.replace(/\.js$/, ".ts")))
    .filter((path) => known.has(path));
}

function referencesOf(tsconfig: string): readonly string[] {
  const { references = [] } = JSON.parse(readFileSync(join(root, tsconfig), "utf8")) as {
    readonly references?: readonly { readonly path: string }[];
  };
  return references.map(({ path }) => path);
}
