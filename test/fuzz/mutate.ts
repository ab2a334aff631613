import type { Dice } from "../dice.js";
import { join, type Layout, latin, type Place, readNumber, sizeOf, writeNumber } from "./layout.js";

/** One change, in words and done. */
export interface Step {
  readonly what: string;
  readonly bytes: Uint8Array;
}

const TEXTS = ["0", "-1", "-0", "1e999", "1e308", "NaN", "Infinity", "", "9999999999999999", "1\\2", "0x10", "1e-320"];
const FLOATS = [0, -0, -1, 1e-320, 1e308, -1e308, 2 ** 31, 0.5, Number.NaN, Number.POSITIVE_INFINITY];

/**
 * Changes one thing of a file: at a place where its format keeps a number, a part of it, or any byte.
 * @param other another file of the format, which a part may come from
 */
export function change(
  dice: Dice,
  bytes: Uint8Array,
  layout: Layout,
  other: { bytes: Uint8Array; layout: Layout },
): Step {
  const way = dice.below(10);
  if (way < 4 && layout.places.length > 0) return changeNumber(dice, bytes, dice.of(layout.places));
  if (way < 7 && layout.pieces.length > 0) return changePiece(dice, bytes, layout, other);
  return changeBytes(dice, bytes, other.bytes);
}

function changeNumber(dice: Dice, bytes: Uint8Array, place: Place): Step {
  const out = bytes.slice();
  if (place.type === "text") {
    const text = dice.of(TEXTS);
    const length = place.length ?? 1;
    out.set(latin(text.slice(0, length).padEnd(length, " ")), place.at);
    return { what: `${place.what} is ${JSON.stringify(text)}`, bytes: out };
  }
  const value = numberFor(dice, bytes, place);
  writeNumber(out, place, value);
  return { what: `${place.what} is ${value}`, bytes: out };
}

function numberFor(dice: Dice, bytes: Uint8Array, place: Place): number {
  const now = readNumber(bytes, place);
  const near = [now + 1, now - 1, now * 2, now * 256, -now, Math.trunc(now / 2)];
  if (place.type === "f32" || place.type === "f64") return dice.of([...FLOATS, ...near]);
  const most = 2 ** (sizeOf(place.type) * 8);
  const half = most / 2;
  const ends = [0, 1, 2, most - 1, half, half - 1, half + 1, Math.min(65_536, half), most - 8];
  const ofFile = [bytes.length, bytes.length - place.at, bytes.length * 1000];
  return dice.of([...ends, ...ends, ...near, ...near, ...ofFile, dice.below(most), dice.below(32)]);
}

function changePiece(
  dice: Dice,
  bytes: Uint8Array,
  { pieces }: Layout,
  other: { bytes: Uint8Array; layout: Layout },
): Step {
  const { from, to, what } = dice.of(pieces);
  const piece = bytes.subarray(from, to);
  const [before, after] = [bytes.subarray(0, from), bytes.subarray(to)];
  switch (dice.below(6)) {
    case 0:
      return { what: `${what} left out`, bytes: join(before, after) };
    case 1:
      return { what: `${what} twice`, bytes: join(before, piece, piece, after) };
    case 2: {
      const times = Math.min(200, Math.ceil(50_000 / piece.length));
      return { what: `${what} ${times} times`, bytes: join(before, ...Array(times).fill(piece), after) };
    }
    case 3: {
      const there = dice.of(pieces);
      const rest = join(before, after);
      const at = there.from <= from ? there.from : Math.max(there.to, to) - piece.length;
      return { what: `${what} moved to ${at}`, bytes: join(rest.subarray(0, at), piece, rest.subarray(at)) };
    }
    case 4: {
      const cut = dice.below(piece.length);
      return { what: `${what} cut to ${cut} bytes`, bytes: join(before, piece.subarray(0, cut), after) };
    }
    default: {
      if (other.layout.pieces.length === 0) return changeBytes(dice, bytes, other.bytes);
      const put = dice.of(other.layout.pieces);
      const keep = dice.below(2) === 0 ? piece : new Uint8Array();
      const from2 = other.bytes.subarray(put.from, put.to);
      return { what: `${put.what} of another file at ${what}`, bytes: join(before, from2, keep, after) };
    }
  }
}

function changeBytes(dice: Dice, bytes: Uint8Array, other: Uint8Array): Step {
  // Where a format's headers are is where its readers have most to decide.
  const at = dice.below(dice.below(2) === 0 ? Math.min(256, bytes.length + 1) : bytes.length + 1);
  const length = 1 + dice.below(dice.of([1, 4, 64]));
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at + length)];
  const piece = bytes.subarray(at, at + length);
  const same = (value: number) => new Uint8Array(Math.min(length, bytes.length - at)).fill(value);
  switch (dice.below(8)) {
    case 0:
      return { what: `cut off at ${at}`, bytes: bytes.slice(0, at) };
    case 1: {
      const random = Uint8Array.from({ length }, () => dice.below(256));
      return { what: `${length} bytes put in at ${at}`, bytes: join(before, random, bytes.subarray(at)) };
    }
    case 2:
      return { what: `${length} bytes at ${at} left out`, bytes: join(before, after) };
    case 3:
      return { what: `${length} bytes at ${at} twice`, bytes: join(before, piece, piece, after) };
    case 4: {
      const value = dice.of([0, 255]);
      return { what: `${length} bytes at ${at} are ${value}`, bytes: join(before, same(value), after) };
    }
    case 5: {
      const there = dice.below(other.length + 1);
      return { what: `from ${at} on as another file from ${there} on`, bytes: join(before, other.subarray(there)) };
    }
    default: {
      const out = bytes.slice();
      const flips = dice.of([1, 1, 2, 8]);
      for (let i = 0; i < flips && out.length > 0; i++) {
        const where = i === 0 ? Math.min(at, out.length - 1) : dice.below(out.length);
        out[where] = out[where]! ^ (1 << dice.below(8));
      }
      return { what: `${flips} bits flipped, one at ${at}`, bytes: out };
    }
  }
}
