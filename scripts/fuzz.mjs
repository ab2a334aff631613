// Reads broken files of every format: seeded, so that the same numbers give the same files.
//
//   npm run fuzz -- [--n 1000000] [--seed 0] [--format png] [--jobs 2]
//
// Each ends in pixels that agree with themselves or in a named error. What ends otherwise (a crash, ten seconds, memory over the
// limit of test/fuzz/limits.ts, a message that quotes the file) fails the run, is told once with the number that makes it again,
// and lies in .cache/fuzz, as small as it could be made. Once it is mended, it is kept in test/fuzz/findings.
import { parseArgs } from "node:util";
import { tool } from "./tools.mjs";

const { values } = parseArgs({
  options: {
    n: { type: "string", default: "20000" },
    seed: { type: "string", default: "0" },
    format: { type: "string" },
    jobs: { type: "string", default: "2" },
  },
});
for (const name of ["n", "seed", "jobs"])
  if (!/^\d{1,15}$/.test(values[name])) throw new Error(`--${name} takes a whole number`);
const env = { HULU_INPUTS: values.n, HULU_SEED: values.seed, HULU_JOBS: values.jobs };
if (values.format !== undefined) env.HULU_FORMAT = values.format;
await tool("vitest", ["run", "--reporter=verbose", "test/fuzz.test.ts"], { env }).catch(() => {
  process.exitCode = 1;
});
