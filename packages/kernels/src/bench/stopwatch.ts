/// <reference types="@webgpu/types" preserve="true" />
import type { Dispatch } from "../webgpu/dispatch.js";
import { COPY_DST, COPY_SRC, MAP_READ, QUERY_RESOLVE, READ } from "../webgpu/usage.js";

/** How long the device takes for what `record` puts into a pass, in seconds, `times` over. */
export type Stopwatch = (record: Dispatch, times: number) => Promise<number>;

const BYTES = 16;

/** By the device's own clock where it has the feature `timestamp-query`, else by how long the queue takes. */
export const stopwatch = (device: GPUDevice): Stopwatch =>
  device.features.has("timestamp-query") ? byTimestamps(device) : byQueue(device);

function byTimestamps(device: GPUDevice): Stopwatch {
  const querySet = device.createQuerySet({ type: "timestamp", count: 2 });
  const resolved = device.createBuffer({ size: BYTES, usage: QUERY_RESOLVE | COPY_SRC });
  const copy = device.createBuffer({ size: BYTES, usage: MAP_READ | COPY_DST });
  return async (record, times) => {
    const encoder = device.createCommandEncoder();
    const timestampWrites = { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 };
    const pass = encoder.beginComputePass({ timestampWrites });
    for (let i = 0; i < times; i++) record(pass);
    pass.end();
    encoder.resolveQuerySet(querySet, 0, 2, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, copy, 0, BYTES);
    device.queue.submit([encoder.finish()]);
    await copy.mapAsync(READ);
    const [from = 0n, to = 0n] = new BigUint64Array(copy.getMappedRange().slice(0));
    copy.unmap();
    return Number(to - from) / 1e9;
  };
}

function byQueue(device: GPUDevice): Stopwatch {
  return async (record, times) => {
    await device.queue.onSubmittedWorkDone();
    const from = performance.now();
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (let i = 0; i < times; i++) record(pass);
    pass.end();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    return (performance.now() - from) / 1000;
  };
}

/** Long enough that starting and ending do not count. */
const LEAST_SECONDS = 0.02;
const MOST_TIMES = 512;
const ROUNDS = 5;

/** Seconds of one time: the median of some rounds, each of as many times as make it long enough. */
export async function secondsOf(watch: Stopwatch, record: Dispatch): Promise<number> {
  let times = 1;
  let taken = await watch(record, times);
  while (taken < LEAST_SECONDS && times < MOST_TIMES) {
    times = Math.min(MOST_TIMES, taken > 0 ? Math.ceil((times * LEAST_SECONDS * 1.2) / taken) : times * 8);
    taken = await watch(record, times);
  }
  const rounds = [taken];
  while (rounds.length < ROUNDS) rounds.push(await watch(record, times));
  return rounds.toSorted((a, b) => a - b)[ROUNDS >> 1]! / times;
}
