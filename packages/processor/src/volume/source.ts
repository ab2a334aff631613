import { ProcessorError } from "../errors.js";
import type { FrameSource } from "../input/frame-source.js";
import { type InputLimits, inputLimits } from "../input/limits.js";
import { type SliceOptions, sliceIndices, sliceLayout, streamSlices } from "./slices.js";
import { axisNumber, type Volume } from "./volume.js";

/**
 * A volume as the frames that {@link streamSlices} gives, one in memory at a time.
 * @throws ProcessorError `volume-axis`, `volume-slices` (also more of them than `maxFrames`), `volume-geometry`, and while
 *   it is read `volume-window`
 */
export function volumeSource(
  volume: Volume,
  { limits, ...options }: SliceOptions & { readonly limits?: InputLimits } = {},
): FrameSource {
  const { maxFrames } = inputLimits(limits);
  const axis = axisNumber(options.axis ?? "axial");
  const { width, height } = sliceLayout(volume, axis, options.view);
  const count = sliceIndices(volume.shape[axis], options.rule ?? "repository", options.numSlices).length;
  if (count > maxFrames)
    throw new ProcessorError("volume-slices", `${count} slices are over the limit of ${maxFrames} (maxFrames)`);
  return {
    kind: "volume",
    count,
    width,
    height,
    async *frames({ signal } = {}) {
      for (const image of streamSlices(volume, options)) {
        signal?.throwIfAborted();
        yield image;
      }
    },
  };
}
