/** Glyphs of 3 x 5 dots, drawn for this: each a row of its five lines, bits from the left. */
const GLYPHS: ReadonlyMap<string, readonly number[]> = new Map<string, readonly number[]>([
  ["0", [7, 5, 5, 5, 7]],
  ["1", [2, 6, 2, 2, 7]],
  ["2", [7, 1, 7, 4, 7]],
  ["3", [7, 1, 7, 1, 7]],
  ["4", [5, 5, 7, 1, 1]],
  ["5", [7, 4, 7, 1, 7]],
  ["6", [7, 4, 7, 5, 7]],
  ["7", [7, 1, 2, 2, 2]],
  ["8", [7, 5, 7, 5, 7]],
  ["9", [7, 5, 7, 1, 7]],
  ["a", [0, 6, 3, 5, 7]],
  ["b", [4, 6, 5, 5, 6]],
  ["c", [0, 3, 4, 4, 3]],
  ["d", [1, 3, 5, 5, 3]],
  ["e", [2, 5, 7, 4, 3]],
  ["f", [3, 4, 6, 4, 4]],
  ["g", [3, 5, 3, 1, 6]],
  ["h", [4, 6, 5, 5, 5]],
  ["i", [2, 0, 2, 2, 2]],
  ["j", [1, 0, 1, 1, 6]],
  ["k", [4, 5, 6, 6, 5]],
  ["l", [6, 2, 2, 2, 7]],
  ["m", [0, 7, 7, 5, 5]],
  ["n", [0, 6, 5, 5, 5]],
  ["o", [0, 2, 5, 5, 2]],
  ["p", [6, 5, 6, 4, 4]],
  ["q", [3, 5, 3, 1, 1]],
  ["r", [0, 3, 4, 4, 4]],
  ["s", [3, 4, 2, 1, 6]],
  ["t", [2, 7, 2, 2, 3]],
  ["u", [0, 5, 5, 5, 7]],
  ["v", [0, 5, 5, 5, 2]],
  ["w", [0, 5, 5, 7, 7]],
  ["x", [0, 5, 2, 2, 5]],
  ["y", [5, 5, 3, 1, 6]],
  ["z", [7, 1, 2, 4, 7]],
  [".", [0, 0, 0, 0, 2]],
  [",", [0, 0, 0, 2, 4]],
  [":", [0, 2, 0, 2, 0]],
  ["/", [1, 1, 2, 4, 4]],
  ["-", [0, 0, 7, 0, 0]],
  ["+", [0, 2, 7, 2, 0]],
  ["#", [5, 7, 5, 7, 5]],
  ["?", [7, 1, 2, 0, 2]],
  [" ", [0, 0, 0, 0, 0]],
]);

/** Pixels of a dot, and between two glyphs. */
const DOT = 2;
const ADVANCE = 4 * DOT;
/** Pixels of a line of text. */
export const TEXT_HEIGHT = 5 * DOT;

export const textWidth = (text: string): number => text.length * ADVANCE;

/**
 * Write text, its upper left corner at x, y; a letter that is not known as "?".
 * @param put sets a pixel
 */
export function drawText(text: string, x: number, y: number, put: (x: number, y: number) => void): void {
  [...text.toLowerCase()].forEach((letter, at) => {
    (GLYPHS.get(letter) ?? GLYPHS.get("?")!).forEach((bits, line) => {
      for (let column = 0; column < 3; column++) {
        if (((bits >> (2 - column)) & 1) === 0) continue;
        for (let dot = 0; dot < DOT * DOT; dot++)
          put(x + at * ADVANCE + column * DOT + (dot % DOT), y + line * DOT + Math.floor(dot / DOT));
      }
    });
  });
}
