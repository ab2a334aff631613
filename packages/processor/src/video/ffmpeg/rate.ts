import type { Packets } from "./probe.js";

/**
 * Frames per second on average, as FFmpeg's `avg_frame_rate` has it. ffmpeg prints that with two digits after the point;
 * so it is the exact value, of those that the packets and the usual rates give, that is printed like this.
 * @param printed as ffmpeg prints it
 */
export function averageRate(printed: number | undefined, packets: Packets): number {
  const { count, tick, first, last, lastDuration } = packets;
  const measured = [count / ((last - first + lastDuration) * tick), (count - 1) / ((last - first) * tick)];
  if (printed === undefined || !(printed > 0)) return measured.find((rate) => rate > 0 && Number.isFinite(rate)) ?? 25;
  const usual = [Math.round(printed), (Math.round(printed) * 1000) / 1001, Math.round(printed * 2) / 2];
  // Times are exact where the clock is fine; a Matroska file's are whole milliseconds.
  const candidates = tick < 1 / 5000 ? [...measured, ...usual] : [...usual, ...measured];
  return candidates.find((rate) => Math.abs(rate - printed) <= 0.00501) ?? printed;
}
