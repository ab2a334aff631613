// The bicubic resize beside Pillow's (byte for byte the same result) and sharp's cubic (another result), one thread each. In
// every round each runs once, in turn; the figures are medians, and ratios to Pillow's. Wants Python with Pillow: HULU_PYTHON,
// or the one that CI makes in .cache/python.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { resizeBicubic } from "../packages/processor/dist/index.js";
import { root } from "../scripts/tools.mjs";

const sharp = createRequire(join(root, "packages/processor/package.json"))("sharp");
sharp.concurrency(1);
sharp.cache(false);
const ROUNDS = 15;
/** Width and height: a photograph, an X-ray, a CT slice, a frame, and a small picture that grows. */
const CASES = [
  { from: [4096, 3072], to: [1232, 924] },
  { from: [1955, 1841], to: [1344, 1260] },
  { from: [512, 512], to: [448, 448] },
  { from: [640, 480], to: [308, 224] },
  { from: [256, 256], to: [448, 448] },
];

const made = join(root, ".cache/python/bin/python");
const python = process.env.HULU_PYTHON ?? (existsSync(made) ? made : "python3");
const pillow = spawn(python, [join(root, "bench/resize.py")], { stdio: ["pipe", "pipe", "inherit"] });
const lines = createInterface(pillow.stdout)[Symbol.asyncIterator]();
const ask = async (line) => {
  pillow.stdin.write(`${line}\n`);
  const { value, done } = await lines.next();
  if (done) throw new Error(`${python} with Pillow is needed: pip install pillow==13.0.0, or set HULU_PYTHON`);
  return value;
};
const median = (xs) => xs.toSorted((a, b) => a - b)[xs.length >> 1];

console.log(
  `${cpus()[0]?.model ?? "cpu"}, Node ${process.version}, ${await ask("version")}; milliseconds, medians of ${ROUNDS}`,
);
for (const { from, to } of CASES) {
  const [width, height] = from;
  const data = new Uint8Array(width * height * 3);
  // The same bytes as bench/resize.py makes.
  for (let i = 0, x = 1; i < data.length; i++) {
    x = (Math.imul(x, 1103515245) + 12345) >>> 0;
    data[i] = x >>> 24;
  }
  await ask(`picture ${width} ${height}`);
  const size = { width: to[0], height: to[1] };
  const times = { hulu: [], pillow: [], sharp: [] };
  const here = async (name, run) => {
    const start = performance.now();
    await run();
    times[name].push(performance.now() - start);
  };
  for (let round = -2; round < ROUNDS; round++) {
    if (round === 0) for (const list of Object.values(times)) list.length = 0;
    await here("hulu", () => resizeBicubic({ data, width, height }, size));
    times.pillow.push(Number(await ask(`resize ${to.join(" ")}`)));
    await here("sharp", () =>
      sharp(data, { raw: { width, height, channels: 3 } })
        .resize({ ...size, fit: "fill", kernel: "cubic" })
        .raw()
        .toBuffer(),
    );
  }
  const sum = createHash("sha256").update(resizeBicubic({ data, width, height }, size).data).digest("hex");
  if (sum !== (await ask("hash"))) throw new Error("Pillow's result is another");
  const [hulu, p, s] = [median(times.hulu), median(times.pillow), median(times.sharp)];
  const ms = (x) => x.toFixed(2).padStart(8);
  console.log(
    `${from.join(" x ").padEnd(12)} -> ${to.join(" x ").padEnd(12)} hulu ${ms(hulu)}  Pillow ${ms(p)}  sharp ${ms(s)}   hulu / Pillow ${(hulu / p).toFixed(2)}`,
  );
}
pillow.stdin.end();
