import { isCapital } from "./elements.js";

/** Groups that a file's first element belongs to: file meta, directory, identification. */
const FIRST_GROUPS = new Set([2, 4, 8]);
/** Elements that come first have low numbers, and short values. */
const MAX_FIRST_ELEMENT = 0x20;
const MAX_FIRST_LENGTH = 1024;
const VRS = new Set(
  "AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV".split(" "),
);

export interface Encoding {
  readonly explicit: boolean;
  readonly littleEndian: boolean;
}

/** How the data set that begins at `at` is encoded, told by its first element; undefined where it looks like none. */
export function guessEncoding(bytes: Uint8Array, at: number): Encoding | undefined {
  if (at + 8 > bytes.length) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, 8);
  for (const littleEndian of [true, false]) {
    if (!FIRST_GROUPS.has(view.getUint16(0, littleEndian))) continue;
    if (view.getUint16(2, littleEndian) > MAX_FIRST_ELEMENT && view.getUint16(0, littleEndian) !== 4) continue;
    if (hasVr(bytes, at)) return { explicit: true, littleEndian };
    const length = view.getUint32(4, littleEndian);
    if (littleEndian && length <= MAX_FIRST_LENGTH && length % 2 === 0 && at + 8 + length <= bytes.length)
      return { explicit: false, littleEndian };
  }
  return undefined;
}

function hasVr(bytes: Uint8Array, at: number): boolean {
  const [a, b] = [bytes[at + 4], bytes[at + 5]];
  return isCapital(a) && isCapital(b) && VRS.has(String.fromCharCode(a!, b!));
}
