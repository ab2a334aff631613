import type { RgbImage } from "../image/rgb.js";

/** What luma and colour differences count in red, green and blue, times 2^16, and the luma of black. */
export interface YuvFactors {
  readonly luma: number;
  readonly black: 0 | 16;
  readonly vRed: number;
  readonly uBlue: number;
  readonly uGreen: number;
  readonly vGreen: number;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

interface Planes extends Size {
  readonly data: Uint8Array;
}

/**
 * RGB of a decoded frame in float64, rounded once. Colour is interpolated linearly between its samples, whose grid is
 * stretched to the frame's size as libswscale's scaler does it: 48 samples over 95 pixels are 95/48 of a pixel apart.
 * @param chroma samples of U and of V
 */
export function preciseRgb({ data, width, height }: Planes, chroma: Size, factors: YuvFactors): RgbImage {
  const { luma, black, vRed, uBlue, uGreen, vGreen } = factors;
  const uFrom = width * height;
  const vFrom = uFrom + chroma.width * chroma.height;
  const across = steps(width, chroma.width);
  const down = steps(height, chroma.height);
  const out = new Uint8ClampedArray(width * height * 3);
  for (let y = 0, at = 0, to = 0; y < height; y++) {
    const [above, below] = [down.first[y]! * chroma.width, down.second[y]! * chroma.width];
    const low = down.part[y]!;
    const sampled = (from: number, x: number) => {
      const [a, b, right] = [from + across.first[x]!, from + across.second[x]!, across.part[x]!];
      const upper = data[above + a]! * (1 - right) + data[above + b]! * right;
      const lower = data[below + a]! * (1 - right) + data[below + b]! * right;
      return upper * (1 - low) + lower * low - 128;
    };
    for (let x = 0; x < width; x++, at++, to += 3) {
      const [u, v] = [sampled(uFrom, x), sampled(vFrom, x)];
      const light = (data[at]! - black) * luma + 32768;
      out[to] = Math.floor((light + vRed * v) / 65536);
      out[to + 1] = Math.floor((light + uGreen * u + vGreen * v) / 65536);
      out[to + 2] = Math.floor((light + uBlue * u) / 65536);
    }
  }
  return { data: new Uint8Array(out.buffer), width, height };
}

/** Per pixel the two samples that it lies between, and how far towards the second. */
function steps(pixels: number, samples: number) {
  const place = (i: number) => Math.min(samples - 1, Math.max(0, ((i + 0.5) * samples) / pixels - 0.5));
  const first = Int32Array.from({ length: pixels }, (_, i) => Math.floor(place(i)));
  return {
    first,
    second: first.map((i) => Math.min(samples - 1, i + 1)),
    part: Float64Array.from({ length: pixels }, (_, i) => place(i) - first[i]!),
  };
}
