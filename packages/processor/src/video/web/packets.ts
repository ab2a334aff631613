import type { EncodedPacketSink } from "mediabunny";
import { ProcessorError } from "../../errors.js";
import { paceRate, usualRates } from "../rate.js";

/** What a file's packets tell of its clip. */
export interface PacketTimes {
  /** Seconds at which each frame that is shown begins, rising. */
  readonly times: readonly number[];
  readonly videoFps: number;
  /** The file ends before its clip does; the times are of what can be read. */
  readonly cut: boolean;
}

/** Longer clips are not counted to their end: at 30 frames a second this is a week. */
const MAX_TOTAL = 2 ** 24;

/**
 * Lists the packets of a track. Their bytes are read only where the last one's cannot be, to find out how far the file goes.
 * @param resolution ticks of the file's clock per second
 * @throws ProcessorError `video-corrupt` where there is none, `input-too-large`
 */
export async function readPackets(sink: EncodedPacketSink, resolution: number): Promise<PacketTimes> {
  let packets = await list(sink, true);
  const last = packets.at(-1);
  const cut = last !== undefined && !(await isThere(sink, last.timestamp));
  if (cut) packets = await list(sink, false);
  // What begins before the clip does, cut off by an edit, is there for others to be decoded from. FFmpeg drops it too.
  const times = packets.map((p) => p.timestamp).filter((time) => time > -0.5 / resolution);
  if (times.length === 0) throw new ProcessorError("video-corrupt", "the file is cut or broken: it has no frame");
  return { times: times.sort((a, b) => a - b), videoFps: rate(packets, resolution), cut };
}

interface Packet {
  readonly timestamp: number;
  readonly duration: number;
}

async function list(sink: EncodedPacketSink, metadataOnly: boolean): Promise<Packet[]> {
  const packets: Packet[] = [];
  for await (const { timestamp, duration } of sink.packets(undefined, undefined, { metadataOnly })) {
    packets.push({ timestamp, duration });
    if (packets.length > MAX_TOTAL)
      throw new ProcessorError("input-too-large", `the clip has more than ${MAX_TOTAL} frames`);
  }
  return packets;
}

async function isThere(sink: EncodedPacketSink, timestamp: number): Promise<boolean> {
  const packet = await sink.getPacket(timestamp).catch(() => null);
  return packet !== null && packet.timestamp === timestamp && packet.data.length === packet.byteLength;
}

/**
 * Frames per second on average, as in Node. Where the clock is fine, durations are exact. A Matroska file's are whole
 * milliseconds, but for the last packet's: that is the track's default duration, where the file has one.
 */
function rate(packets: readonly Packet[], resolution: number): number {
  const span = packets.reduce((sum, { duration }) => sum + Math.round(duration * resolution), 0);
  const measured = paceRate({ count: packets.length, ticks: resolution, per: 1, span });
  if (resolution > 5000 && Number.isFinite(measured)) return measured;
  const stated = 1 / packets.at(-1)!.duration;
  const agree = Math.abs(stated - measured) < 0.05 * measured;
  const about = Number.isFinite(stated) && (agree || !Number.isFinite(measured)) ? stated : measured;
  if (!Number.isFinite(about)) return 25;
  const near = agree ? 1e-5 : 1 / packets.length;
  return usualRates(about).find((usual) => Math.abs(usual - about) < near * about) ?? about;
}
