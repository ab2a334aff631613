import type { DicomImage } from "../dicom/image.js";
import type { StoredSamples } from "../dicom/stored.js";
import { ProcessorError } from "../errors.js";
import { type Volume, volumeOf } from "../volume/volume.js";
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
  const channels = grey ? 1 : 3;
  const size = rows * columns * channels;
  const at = (offset: number) => {
    const z = Math.floor(offset / size);
    const { samples, slope, intercept } = layers[z]!;
    return samples[offset - z * size]! * slope + intercept;
  };
  return volumeOf([columns, rows, stack.slices.length], at, { channels, geometry: stackGeometry(stack) });
}

async function readLayer(image: DicomImage, slice: Slice): Promise<Layer> {
  if (!isGrey(slice)) {
    const { data } = (await image.picture(slice.frame)).image;
    return { samples: data, slope: 1, intercept: 0 };
  }
  if (slice.header.modalityLut) return { samples: await image.values(slice.frame), slope: 1, intercept: 0 };
  return { samples: (await image.stored(slice.frame)).samples, ...slice.at.rescale };
}
