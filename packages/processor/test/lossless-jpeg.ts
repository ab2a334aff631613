/** A picture for {@link encodeLossless}: [row][column] of each component, at its own size. */
export interface LosslessPicture {
  readonly rows: number;
  readonly columns: number;
  readonly precision: number;
  readonly components: readonly {
    readonly h: number;
    readonly v: number;
    readonly plane: readonly (readonly number[])[];
  }[];
}

export interface LosslessOptions {
  readonly predictor: number;
  readonly pointTransform: number;
  /** Rows of minimum coded units between restart markers; 0: none. */
  readonly restartRows: number;
  /** One scan for all components, or one for each. */
  readonly interleaved: boolean;
}

/** Every size of a difference, 0 to 16, has a code of 5 bits. */
const CODE_BITS = 5;
const SIZES = 17;

/** Lossless JPEG, written from ITU-T T.81 annex H for the tests, apart from the decoder. */
export function encodeLossless(picture: LosslessPicture, options: LosslessOptions): Uint8Array {
  const { rows, columns, precision, components } = picture;
  const n = components.length;
  const words = (...values: readonly number[]) => values.flatMap((v) => [v >> 8, v & 255]);
  const out = [
    ...[0xff, 0xd8],
    ...[
      0xff,
      0xc4,
      ...words(2 + 17 + SIZES),
      0,
      ...Array.from({ length: 16 }, (_, i) => (i === CODE_BITS - 1 ? SIZES : 0)),
    ],
    ...Array.from({ length: SIZES }, (_, i) => i),
    ...[0xff, 0xc3, ...words(8 + 3 * n), precision, ...words(rows, columns), n],
    ...components.flatMap(({ h, v }, i) => [i + 1, 16 * h + v, 0]),
  ];
  const scans = options.interleaved ? [components.map((_, i) => i)] : components.map((_, i) => [i]);
  for (const chosen of scans) {
    const { bytes, unitsAcross } = encodeScan(picture, chosen, options);
    if (options.restartRows > 0) out.push(0xff, 0xdd, ...words(4, options.restartRows * unitsAcross));
    out.push(0xff, 0xda, ...words(6 + 2 * chosen.length), chosen.length, ...chosen.flatMap((i) => [i + 1, 0]));
    out.push(options.predictor, 0, options.pointTransform, ...bytes);
  }
  return Uint8Array.from([...out, 0xff, 0xd9]);
}

function encodeScan(picture: LosslessPicture, chosen: readonly number[], options: LosslessOptions) {
  const most = (key: "h" | "v") => Math.max(...picture.components.map((c) => c[key]));
  const alone = chosen.length === 1;
  const parts = chosen.map((i) => {
    const { h, v, plane } = picture.components[i]!;
    return alone ? { h: 1, v: 1, plane } : { h, v, plane };
  });
  const [first] = parts;
  const unitsAcross = alone ? first!.plane[0]!.length : Math.ceil(picture.columns / most("h"));
  const unitsDown = alone ? first!.plane.length : Math.ceil(picture.rows / most("v"));
  const bits = bitWriter();
  for (let row = 0; row < unitsDown; row++) {
    const restarted = options.restartRows > 0 && row % options.restartRows === 0;
    if (restarted && row > 0) bits.restart((row / options.restartRows - 1) % 8);
    for (let column = 0; column < unitsAcross; column++)
      for (const { h, v, plane } of parts)
        for (let y = row * v; y < (row + 1) * v; y++)
          for (let x = column * h; x < (column + 1) * h; x++) {
            // Beyond its edge a component repeats its last samples.
            const at = (j: number, i: number) =>
              plane[Math.min(j, plane.length - 1)]![Math.min(i, plane[0]!.length - 1)]! >> options.pointTransform;
            const start =
              y === (restarted ? row * v : 0) ||
              (options.restartRows > 0 && y === Math.floor(row / options.restartRows) * options.restartRows * v);
            const middle = 2 ** (picture.precision - options.pointTransform - 1);
            bits.difference(at(y, x) - predicted(at, options.predictor, y, x, start, middle));
          }
  }
  return { bytes: bits.finish(), unitsAcross };
}

function predicted(
  at: (y: number, x: number) => number,
  predictor: number,
  y: number,
  x: number,
  firstLine: boolean,
  middle: number,
): number {
  if (firstLine) return x === 0 ? middle : at(y, x - 1);
  if (x === 0) return at(y - 1, x);
  const [a, b, c] = [at(y, x - 1), at(y - 1, x), at(y - 1, x - 1)];
  const half = (v: number) => Math.floor(v / 2);
  return [a, b, c, a + b - c, a + half(b - c), b + half(a - c), half(a + b)][predictor - 1]!;
}

function bitWriter() {
  const bytes: number[] = [];
  let held: number[] = [];
  const put = (value: number, count: number) => {
    for (let i = count - 1; i >= 0; i--) {
      held.push((value >> i) & 1);
      if (held.length < 8) continue;
      const byte = held.reduce((sum, bit) => 2 * sum + bit, 0);
      bytes.push(byte);
      if (byte === 255) bytes.push(0);
      held = [];
    }
  };
  const pad = () => {
    while (held.length > 0) put(1, 1);
  };
  return {
    /** Modulo 2^16, as T.81 H.1.2.1 has it. */
    difference(value: number) {
      const wrapped = ((value + 32_767) & 0xffff) - 32_767;
      const size = wrapped === 32_768 ? 16 : 32 - Math.clz32(Math.abs(wrapped));
      put(size, CODE_BITS);
      if (size < 16) put(wrapped < 0 ? wrapped + 2 ** size - 1 : wrapped, size);
    },
    restart(number: number) {
      pad();
      bytes.push(0xff, 0xd0 + number);
    },
    finish(): readonly number[] {
      pad();
      return bytes;
    },
  };
}
