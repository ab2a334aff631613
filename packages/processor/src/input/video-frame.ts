import { ProcessorError } from "../errors.js";
import { type RgbImage, toRgb } from "../image/rgb.js";
import { chromaSize, type YuvFrame, type YuvLayout, type YuvMatrix, yuvBytes, yuvToRgb } from "../video/yuv.js";

/** A decoded frame of WebCodecs: what is used of a `VideoFrame`. */
export interface VideoFrameLike {
  readonly format: string | null;
  readonly visibleRect: { readonly width: number; readonly height: number } | null;
  readonly colorSpace: { readonly matrix?: string | null | undefined; readonly fullRange?: boolean | null | undefined };
  allocationSize(options?: { format?: "RGBA" }): number;
  copyTo(
    to: Uint8Array<ArrayBuffer>,
    options?: { format?: "RGBA"; layout?: { offset: number; stride: number }[] },
  ): Promise<unknown>;
}

export const isVideoFrame = (value: object): value is VideoFrameLike =>
  "copyTo" in value && typeof value.copyTo === "function" && "visibleRect" in value;

const LAYOUTS: ReadonlyMap<string | null, YuvLayout> = new Map([
  ["I420", "4:2:0"],
  ["NV12", "4:2:0"],
  ["I422", "4:2:2"],
  ["I444", "4:4:4"],
]);

const MATRICES: ReadonlyMap<string | null | undefined, YuvMatrix> = new Map([
  ["bt709", "bt709"],
  ["bt2020-ncl", "bt2020"],
  ["smpte240m", "smpte240m"],
]);

/**
 * A frame of WebCodecs as RGB. 8-bit YUV goes through {@link yuvToRgb}, so it is the same as in Node; what else there is
 * (deeper samples), the browser converts.
 * @throws ProcessorError `image-unsupported` where it lets something through: its colours may be multiplied; or where the
 *   browser does not say what it is, or cannot convert it. `image-shape` where it is closed.
 */
export async function videoFrameImage(frame: VideoFrameLike): Promise<RgbImage> {
  const planes = await videoFramePlanes(frame);
  if (planes !== undefined) return yuvToRgb(planes);
  const { width, height } = sides(frame);
  const rgba = new Uint8Array(width * height * 4);
  await guarded(async () => {
    if (frame.allocationSize({ format: "RGBA" }) !== rgba.length) throw new Error("it has another size");
    await frame.copyTo(rgba, { format: "RGBA" });
  });
  for (let i = 3; i < rgba.length; i += 4)
    if (rgba[i] !== 255)
      throw new ProcessorError(
        "image-unsupported",
        "the frame lets something through, and its colours may be multiplied by that; give one without alpha",
      );
  return { data: toRgb(rgba, width, height, 4), width, height };
}

/**
 * The planes of a frame, tightly packed, where it is 8-bit YUV; else `undefined`.
 * @param colours what the frame's file says of them, where that is known; browsers have an opinion where it says nothing
 */
export async function videoFramePlanes(
  frame: VideoFrameLike,
  colours: VideoFrameLike["colorSpace"] = frame.colorSpace,
): Promise<YuvFrame | undefined> {
  const layout = LAYOUTS.get(frame.format);
  if (layout === undefined) return undefined;
  const { width, height } = sides(frame);
  const luma = width * height;
  const chroma = chromaSize(width, height, layout);
  const data = new Uint8Array(yuvBytes(width, height, layout));
  const first = { offset: 0, stride: width };
  const interleaved = frame.format === "NV12";
  const others = interleaved
    ? [{ offset: luma, stride: 2 * chroma.width }]
    : [0, 1].map((i) => ({ offset: luma + i * chroma.width * chroma.height, stride: chroma.width }));
  await guarded(() => frame.copyTo(data, { layout: [first, ...others] }));
  if (interleaved) separate(data.subarray(luma));
  const matrix = MATRICES.get(colours.matrix) ?? "bt601";
  return { data, width, height, layout, matrix, fullRange: colours.fullRange === true };
}

function sides({ visibleRect }: VideoFrameLike): { width: number; height: number } {
  if (visibleRect === null) throw new ProcessorError("image-shape", "the frame is closed already");
  return visibleRect;
}

/** u v u v ... to u u ... v v ... */
function separate(pairs: Uint8Array): void {
  const half = pairs.length / 2;
  const v = new Uint8Array(half);
  for (let i = 0; i < half; i++) {
    v[i] = pairs[2 * i + 1]!;
    pairs[i] = pairs[2 * i]!;
  }
  pairs.set(v, half);
}

async function guarded<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    const { name, message } = cause as Error;
    throw new ProcessorError(
      "image-unsupported",
      `the browser does not give the frame's pixels (${name}: ${message})`,
      {
        cause,
      },
    );
  }
}
