// What CI runs beyond `npm test`: a page in a real browser, longer property runs, the goldens through the
// built command, and the API pages.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { lavapipe } from "./lavapipe.mjs";
import { node, root, run, runSteps, tool, vitest } from "./tools.mjs";

const verify = (goldens, backend) => ({
  name: `hulu verify ${goldens} on ${backend}`,
  run: () => node(["packages/cli/dist/bin.js", "verify", goldens, "--backend", backend]),
});
// A second opinion on other shapes: a PyTorch implementation that shares no code with this one makes the goldens.
const second = ".cache/second-opinion";
const python = join(root, ".cache/python/bin/python");
async function installPython(packages) {
  mkdirSync(join(root, ".cache"), { recursive: true });
  if (!existsSync(python)) await run("python3", ["-m", "venv", join(root, ".cache/python")]);
  await run(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...packages]);
}
async function secondOpinion() {
  rmSync(join(root, second), { recursive: true, force: true });
  await installPython(["torch==2.13.0", "numpy", "pillow==13.0.0", "safetensors", "tokenizers"]);
  await run(python, ["test/python/make_goldens.py", second, "test/data/goldens/tokenizer"]);
}
// A real language model, kept once it is made; its test holds it to the hash of the goldens.
async function smollm2() {
  for (const dtype of ["float32", "bfloat16"]) {
    const folder = `.cache/smollm2/${dtype}`;
    if (existsSync(join(root, folder))) continue;
    await installPython(["numpy", "gguf", "safetensors", "tokenizers"]);
    await run(python, ["test/python/make_smollm2.py", folder, "--dtype", dtype]);
  }
  return vitest(["--config", "test/smollm2/vitest.config.ts"]);
}

// A program of the system: where there is none and it cannot be installed, what needs it fails.
async function install(program, variable) {
  const found = await run("which", [program], { capture: true }).catch(() => undefined);
  if (found !== undefined || process.env[variable] !== undefined) return;
  const aptGet = (...args) => run("apt-get", ["-qq", ...args], { env: { DEBIAN_FRONTEND: "noninteractive" } });
  await aptGet("update");
  await aptGet("install", "--yes", "--no-install-recommends", program);
}
async function inBrowser() {
  await install("chromium", "HULU_CHROMIUM");
  return vitest(["--config", "test/browser/vitest.config.ts"]);
}
// `npm test` runs kernels on SwiftShader, which has no f16; lavapipe has, and takes other numbers of threads.
const onLavapipe = async () =>
  vitest(["packages/kernels", "packages/planner", "packages/backend-webgpu"], { env: await lavapipe() });

// The tests of `npm test` run on the ffmpeg of a package where there is no other; here they run on the system's.
async function video() {
  await install("ffmpeg", "HULU_FFMPEG");
  return vitest(["packages/processor/src/video"], { env: { HULU_FFMPEG: process.env.HULU_FFMPEG ?? "ffmpeg" } });
}

const there = (...folders) => folders.filter((folder) => existsSync(join(root, folder)));
const goldens = there("test/data/goldens", "../shared/goldens");
const samples = there("test/data/samples", "../shared/samples");
const backends = ["reference", "onnx", "tfjs", "webgpu"];

await runSteps([
  { name: "npm test", run: () => run("npm", ["test"]) },
  { name: "npm start", run: () => run("npm", ["start"]) },
  { name: "in a page of Chromium", run: inBrowser },
  { name: "video by the system's ffmpeg", run: video },
  { name: "kernels and WebGPU on lavapipe", run: onLavapipe },
  { name: "measurements, alone", run: () => vitest(["--config", "test/quiet/vitest.config.ts"]) },
  { name: "property tests, many runs", run: () => vitest(propertyTests(), { env: { HULU_FUZZ: "many" } }) },
  // Each keeps one core busy.
  [
    { name: "broken files, 20,000", run: () => vitest(["test/fuzz.test.ts"], { env: { HULU_INPUTS: "20000" } }) },
    { name: "goldens by the second implementation", run: secondOpinion },
    ...goldens.flatMap((folder) => backends.map((backend) => verify(folder, backend))),
    ...samples.map((folder) => ({
      name: `hulu verify-inputs ${folder}`,
      run: () => node(["packages/cli/dist/bin.js", "verify-inputs", folder]),
    })),
    { name: "API pages", run: () => tool("typedoc", []) },
  ],
  backends.map((backend) => verify(second, backend)),
  { name: "a real language model", run: smollm2 },
]);

/**
 * The test files that draw random inputs, themselves or by the suite of a backend; not those that draw them for kernels on a
 * GPU of software, where many runs take hours.
 */
function propertyTests() {
  return ["packages", "test"]
    .flatMap((top) => readdirSync(join(root, top), { recursive: true }).map((file) => `${top}/${file}`))
    .filter((file) => file.endsWith(".test.ts") && !file.includes("node_modules"))
    .filter((file) => !/^(packages\/(kernels|backend-webgpu)|test\/(browser|webgpu))/.test(file))
    .filter((file) => /fast-check|@hulu\/testing|HULU_FUZZ/.test(readFileSync(join(root, file), "utf8")));
}
