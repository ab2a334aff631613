import type { RgbImage } from "../../image/rgb.js";

/** A picture turned clockwise. */
export function turned(image: RgbImage, degrees: 0 | 90 | 180 | 270): RgbImage {
  const { data, width, height } = image;
  if (degrees === 0) return image;
  const half = degrees === 180;
  const out = { data: new Uint8Array(data.length), width: half ? width : height, height: half ? height : width };
  for (let y = 0, to = 0; y < out.height; y++)
    for (let x = 0; x < out.width; x++, to += 3) {
      const [fromX, fromY] = half
        ? [width - 1 - x, height - 1 - y]
        : degrees === 90
          ? [y, height - 1 - x]
          : [width - 1 - y, x];
      const from = (fromY * width + fromX) * 3;
      out.data.set(data.subarray(from, from + 3), to);
    }
  return out;
}
