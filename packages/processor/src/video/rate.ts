/** When packets follow each other, in whole ticks of a clock. */
export interface Pace {
  readonly count: number;
  /** Ticks per second, as a fraction. */
  readonly ticks: number;
  readonly per: number;
  /** From the first packet to the end of the last, in ticks. */
  readonly span: number;
}

/** Packets per second. A quotient of whole numbers, so that it is the nearest to the exact one, as `30000 / 1001` is. */
export const paceRate = ({ count, ticks, per, span }: Pace): number => (count * ticks) / (span * per);

/** Rates that cameras and scanners have, near one that is known roughly. */
export const usualRates = (about: number): readonly number[] => [
  Math.round(about),
  (Math.round(about) * 1000) / 1001,
  Math.round(about * 2) / 2,
];
