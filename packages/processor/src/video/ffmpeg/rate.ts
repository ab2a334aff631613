import { type Pace, paceRate, usualRates } from "../rate.js";

/** Where nothing tells a rate: a clip of one frame. */
const FALLBACK = 25;

/**
 * Frames per second on average, as FFmpeg's `avg_frame_rate` has it. ffmpeg prints that with two digits after the point;
 * so it is the exact value, of those that the packets and the usual rates give, that is printed like this.
 * @param printed as ffmpeg prints it
 */
export function averageRate(printed: number | undefined, pace: Pace): number {
  const measured = paceRate(pace);
  if (printed === undefined || !(printed > 0)) return measured > 0 && Number.isFinite(measured) ? measured : FALLBACK;
  // Times are exact where the clock is fine; a Matroska file's are whole milliseconds.
  const fine = pace.ticks / pace.per > 5000;
  const candidates = fine ? [measured, ...usualRates(printed)] : [...usualRates(printed), measured];
  return candidates.find((rate) => Math.abs(rate - printed) <= 0.00501) ?? printed;
}
