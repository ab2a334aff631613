import { type Executable, type Feed, hostF32, hostI32 } from "@hulu/core";
import { expect, test } from "vitest";
import { openGolden } from "../test/golden-run.js";
import { counted, testDevice } from "../test/gpu.js";
import { webgpuBackend } from "./index.js";

const zeros = (...shape: number[]) => hostF32(new Float32Array(shape.reduce((n, d) => n * d, 1)), shape);
const ids = (...shape: number[]) => hostI32(new Int32Array(shape.reduce((n, d) => n * d, 1)), shape);

const formats = process.env.HULU_FUZZ === "many" ? (["stored", "int8"] as const) : (["stored"] as const);

test.each(formats.map((format) => [format] as const))(
  "a model takes what was foretold, within 10 percent: weights %s",
  async (weights) => {
    const { config, programs, weights: source } = await openGolden("q3-p16");
    const max = { past: 320, seq: 64, batch: 1, pick: 1, frame: 2, token: 32, window: 1, row: 64, kept: 64 };
    const device = await testDevice();
    const count = counted(device);
    const backend = webgpuBackend({ device, weights });
    const estimate = backend.estimate(programs, source, max);
    expect(count.buffers).toBe(0);

    const executable: Executable = await backend.compile(programs, source, { max });
    const { width, patch } = config.vision;
    const { embed } = config.decoder;
    const run = async (
      program: string,
      feeds: Readonly<Record<string, Feed>>,
      session?: ReturnType<Executable["createSession"]>,
    ) => {
      const results = await executable.run(program, feeds, session && { session });
      for (const tensor of Object.values(results)) {
        await tensor.read();
        tensor.dispose();
      }
    };
    await run("encodeVision", {
      pixels: zeros(2, 32, 3 * patch ** 2),
      row: ids(32),
      col: ids(32),
      window: hostF32([1], [1]),
    });
    await run("frameDifference", { tokens: zeros(2, 32, width), before: zeros(32, width) });
    await run("project", { tokens: zeros(64, width), keep: ids(64) });
    await run("embed", { ids: ids(1, 64) });
    await run("embedVisual", { ids: ids(1, 64), visual: zeros(64, embed), index: ids(1, 64) });
    const session = executable.createSession();
    while (session.length < 320) {
      const seq = Math.min(64, 320 - session.length);
      await run("step", { embeds: zeros(1, seq, embed), pick: ids(1) }, session);
    }
    // The queue's own copies of what is uploaded are no buffers of ours: they cannot be counted here.
    const { fixed, weights: held, session: cache, work } = estimate;
    const ratio = (fixed + held + cache + work) / count.peak;
    expect(ratio, `${JSON.stringify(estimate)}, and it was ${count.peak}`).toBeGreaterThan(0.9);
    expect(ratio, `${JSON.stringify(estimate)}, and it was ${count.peak}`).toBeLessThan(1.1);
    session.dispose();
    executable.dispose();
    expect([count.live, count.buffers]).toEqual([0, 0]);
  },
);
