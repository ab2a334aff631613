import type { EncodedPacketSink } from "mediabunny";
import { expect, test } from "vitest";
import { readPackets } from "./packets.js";

const code = (expected: string) => expect.objectContaining({ code: expected });

/** What is used of a sink, over packets of which the first so many are whole. */
function sink(packets: readonly (readonly [timestamp: number, duration: number])[], whole = packets.length) {
  const all = packets.map(([timestamp, duration]) => ({ timestamp, duration, byteLength: 2, data: new Uint8Array(2) }));
  const fake = {
    async *packets(_from: undefined, _to: undefined, { metadataOnly }: { metadataOnly: boolean }) {
      yield* metadataOnly ? all : all.slice(0, whole);
    },
    getPacket: async (timestamp: number) => all.slice(0, whole).findLast((p) => p.timestamp <= timestamp) ?? null,
  };
  return fake as unknown as EncodedPacketSink;
}

test("frames are counted and put in the order in which they are shown", async () => {
  const found = await readPackets(
    sink([
      [0, 0.04],
      [0.12, 0.04],
      [0.04, 0.04],
      [0.08, 0.04],
    ]),
    12_800,
  );
  expect(found).toEqual({ times: [0, 0.04, 0.08, 0.12], videoFps: 25, cut: false });
});

test("what begins before the clip does is not shown", async () => {
  const packets = Array.from({ length: 10 }, (_, i) => [(i - 5) / 25 - 0.02, 0.04] as const);
  expect((await readPackets(sink(packets), 12_800)).times).toEqual(packets.slice(6).map(([time]) => time));
});

test("a file that is cut gives what is there", async () => {
  const packets = Array.from({ length: 10 }, (_, i) => [i / 25, 0.04] as const);
  const found = await readPackets(sink(packets, 4), 12_800);
  expect(found).toMatchObject({ times: [0, 0.04, 0.08, 0.12], cut: true });
  for (const none of [sink([]), sink(packets, 0)])
    await expect(readPackets(none, 12_800)).rejects.toThrow(code("video-corrupt"));
});

test("the rate is the exact one of the file's clock, or of the default duration of a Matroska file", async () => {
  const even = (n: number, ticks: number, step: number) =>
    Array.from({ length: n }, (_, i) => [(i * step) / ticks, step / ticks] as const);
  const rate = async (...given: Parameters<typeof sink>[0][number][][]) =>
    (await readPackets(sink(given[0]!), 1000)).videoFps;
  expect((await readPackets(sink(even(30, 30_000, 1001)), 30_000)).videoFps).toBe(30000 / 1001);
  // Whole milliseconds, and the last packet's duration as the header has it.
  const webm = (n: number, fps: number, last = 1 / fps) =>
    Array.from({ length: n }, (_, i) => {
      const [from, to] = [i, i + 1].map((k) => Math.round((k * 1000) / fps) / 1000) as [number, number];
      return [from, i === n - 1 ? last : to - from] as const;
    });
  expect(await rate([...webm(30, 30, 0.033333333)])).toBe(30);
  expect(await rate([...webm(30, 30000 / 1001, 0.033366666)])).toBe(30000 / 1001);
  expect(await rate([...webm(120, 24000 / 1001, 0.041708333)])).toBe(24000 / 1001);
  expect(await rate([...webm(129, 25.774, 0.038798449)])).toBeCloseTo(25.7742, 4);
  expect(await rate([...webm(1, 40, 0)])).toBe(25);
});
