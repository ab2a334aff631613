import type { DicomImage } from "../dicom/image.js";
import type { StoredSamples } from "../dicom/stored.js";
import { ProcessorError } from "../errors.js";
import { checkIndex, type Plane, type Shape, type Volume } from "../volume/volume.js";
import { stackGeometry } from "./geometry.js";
import type { Stack } from "./order.js";
import type { Slice } from "./slice.js";

/** Opens a slice's file; of neighbouring slices in one file once. */
export type Open = (slice: Slice) => Promise<DicomImage>;

export const isGrey = ({ header }: Slice): boolean => header.photometric.startsWith("MONOCHROME");

interface Layer {
  readonly samples: StoredSamples;
  readonly slope: number;
  readonly intercept: number;
}

/**
 * A stack as a volume: V[x, y, z] is column x, row y, slice z. Values are kept as they are stored, each slice with its own
 * rescale, colours as RGB.
 * @throws ProcessorError `series-too-large` where that takes more than `maxBytes`
 */
export async function stackVolume(
  stack: Stack,
  open: Open,
  { maxBytes }: { readonly maxBytes: number },
  signal?: AbortSignal,
): Promise<Volume> {
  const { rows, columns, bitsAllocated, modalityLut } = stack.slices[0]!.header;
  const grey = isGrey(stack.slices[0]!);
  const sample = !grey ? 3 : modalityLut ? 8 : Math.ceil(bitsAllocated / 8);
  const bytes = rows * columns * stack.slices.length * sample;
  if (bytes > maxBytes)
    throw new ProcessorError("series-too-large", `the volume takes ${bytes} bytes, over ${maxBytes} (maxBytes)`);
  const layers: Layer[] = [];
  for (const slice of stack.slices) {
    signal?.throwIfAborted();
    layers.push(await readLayer(await open(slice), slice));
  }
  const shape = [columns, rows, stack.slices.length] as const;
  return { ...layersVolume(shape, layers, grey ? 1 : 3), geometry: stackGeometry(stack) };
}

/** Goes through one layer after the other, whatever the axis: neighbours along z lie far apart in memory. */
function layersVolume(shape: Shape, layers: readonly Layer[], channels: 1 | 3): Omit<Volume, "geometry"> {
  const strides = [channels, channels * shape[0]] as const;
  const copy = (layer: Layer, from: number, to: Float64Array, at: number) => {
    for (let channel = 0; channel < channels; channel++)
      to[at + channel] = layer.samples[from + channel]! * layer.slope + layer.intercept;
  };
  const acrossSlices = (axis: 0 | 1, index: number): Plane => {
    const [rows, cols] = [shape[axis === 0 ? 1 : 0], shape[2]];
    const values = new Float64Array(rows * cols * channels);
    for (const [z, layer] of layers.entries())
      for (let row = 0, from = index * strides[axis]; row < rows; row++, from += strides[axis === 0 ? 1 : 0])
        copy(layer, from, values, (row * cols + z) * channels);
    return { rows, cols, values };
  };
  return {
    shape,
    channels,
    plane(axis, index) {
      checkIndex(shape, axis, index);
      if (axis !== 2) return acrossSlices(axis, index);
      const [columns, rows] = shape;
      const values = new Float64Array(rows * columns * channels);
      for (let y = 0, from = 0; y < rows; y++)
        for (let x = 0; x < columns; x++, from += channels)
          copy(layers[index]!, from, values, (x * rows + y) * channels);
      return { rows: columns, cols: rows, values };
    },
    values() {
      const size = shape[0] * shape[1] * channels;
      const values = new Float64Array(size * shape[2]);
      for (const [z, layer] of layers.entries())
        for (let i = 0; i < size; i += channels) copy(layer, i, values, z * size + i);
      return values;
    },
  };
}

async function readLayer(image: DicomImage, slice: Slice): Promise<Layer> {
  if (!isGrey(slice)) {
    const { data } = (await image.picture(slice.frame)).image;
    return { samples: data, slope: 1, intercept: 0 };
  }
  if (slice.header.modalityLut) return { samples: await image.values(slice.frame), slope: 1, intercept: 0 };
  return { samples: (await image.stored(slice.frame)).samples, ...slice.at.rescale };
}
