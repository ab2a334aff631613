import { hostF32, hostI32, sessionOwner } from "@hulu/core";
import { describe, expect, test } from "vitest";
import { HostDevice } from "../../test/host-device.js";
import { POSITION, plans, WIDTH, weights } from "../../test/plans.js";
import { estimatePlans } from "./estimate.js";
import { plannedExecutable } from "./executable.js";
import { loadWeights } from "./weights.js";

const ROWS = 300;

/** Load, run every program at its most with one session, and what the device held at most meanwhile. */
async function measured(max: { readonly past: number; readonly seq: number }, storage: "stored" | "i4") {
  const device = new HostDevice();
  const [all, source] = [plans(ROWS, WIDTH), weights(ROWS, WIDTH)];
  const estimate = estimatePlans(all, source, max, () => storage);
  const held = await loadWeights(all, source, device, { storageOf: () => storage });
  const loaded = { bytes: device.bytes, written: device.largestWrite };
  const owner = await sessionOwner({}, source, max);
  const executable = await plannedExecutable({
    device,
    plans: all,
    weights: held,
    owner: {
      ...owner,
      widths: new Map([
        ["seen", WIDTH],
        ["again", WIDTH],
      ]),
    },
    max,
  });
  const session = executable.createSession();
  const x = (n: number) => hostF32(new Float32Array(n * WIDTH), [1, n, 1, WIDTH]);
  const results = [
    await executable.run("total", { x: hostF32(new Float32Array(max.seq * WIDTH), [max.seq, WIDTH]) }),
    await executable.run("look", { ids: hostI32(new Int32Array(max.seq)) }),
  ];
  // Up to the capacity, and of each program one result at a time; one position comes alone, and the last run is a full one.
  const step = async (count: number) => {
    for (const result of Object.values(results[2] ?? {})) result.dispose();
    results[2] = await executable.run("sum", { x: x(count) }, { session });
  };
  while (session.length < max.past - 1) await step(Math.min(max.past - 1 - session.length, max.seq));
  await step(1);
  session.truncate(max.past - max.seq);
  await step(max.seq);
  expect(session.length).toBe(max.past);
  const { peak } = device;
  session.dispose();
  const withoutSession = device.bytes;
  executable.dispose();
  expect(device.bytes).toBe(0);
  return { estimate, loaded, peak, withoutSession };
}

describe.each(["stored", "i4"] as const)("%s", (storage) => {
  test.each([
    { past: 200, seq: 7 },
    { past: 300, seq: 256 },
    { past: 1000, seq: 100 },
  ])("what is allocated at $past positions, $seq at a time, is what was said", async (max) => {
    const { estimate, loaded, peak, withoutSession } = await measured(max, storage);
    expect(loaded.bytes).toBe(estimate.weights);
    expect(loaded.written).toBe(estimate.loading);
    expect(estimate.session).toBe(max.past * POSITION);
    // A full run and a state on its move are not in one moment, but both are held for.
    expect(peak).toBeLessThanOrEqual(estimate.weights + estimate.session + estimate.work);
    expect(peak).toBeGreaterThanOrEqual((estimate.weights + estimate.session + estimate.work) * 0.9);
    // Of a session of several steps one state lay there twice; the rest is still held.
    const growing = Math.floor((max.past - 1) / 256) * 256 * WIDTH * 4;
    expect(withoutSession).toBe(estimate.weights + estimate.work - growing);
  });
});
