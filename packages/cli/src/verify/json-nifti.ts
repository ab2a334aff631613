import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import {
  type NiftiVolume,
  type RgbImage,
  readNifti,
  type SliceOptions,
  sliceIndices,
  volumeFrames,
} from "@hulu/processor";
import { open, type TensorSource } from "@hulu/safetensors";
import { type Check, checks, type Json } from "./json.js";
import { type Entry, exact, type Outcome, within } from "./row.js";

/** `nifti.json`: slices of small volumes by both rules; and the voxels of each volume. */
export async function niftiChecks(json: Json, folder: string): Promise<Check[]> {
  const tensors = await open(join(folder, "nifti.safetensors"));
  const volumes = new Map<string, Promise<NiftiVolume>>();
  const volume = (file: string): Promise<NiftiVolume> => {
    if (basename(file) !== file) throw new Error("a volume is a file beside nifti.json");
    const known = volumes.get(file) ?? readFile(join(folder, file)).then((bytes) => readNifti(bytes));
    volumes.set(file, known);
    return known;
  };
  const voxels = [...tensors.keys()].filter((key) => key.endsWith("/fdata"));
  return [
    ...checks(json, (e) => sliceCase(e, volume, tensors)),
    ...voxels.map((key) => ({ stage: key, run: () => voxelCase(key, volume, tensors) })),
  ];
}

async function sliceCase(
  e: Entry,
  volume: (file: string) => Promise<NiftiVolume>,
  tensors: TensorSource,
): Promise<void> {
  const read = await volume(e.input("file"));
  const axis = e.input<0 | 1 | 2>("nifti_axis");
  const name = e.input<string | undefined>("axis");
  const rule = /hf/i.test(e.input("rule")) ? "hf" : "repository";
  const numSlices = e.input<number | undefined>("num_slices");
  const [center, width] = [e.input<number | undefined>("window_center"), e.input<number | undefined>("window_width")];
  const options: SliceOptions = {
    axis,
    rule,
    ...(numSlices !== undefined && { numSlices }),
    ...(center !== undefined && width !== undefined && { window: { center, width } }),
  };
  const frames = volumeFrames(read, options);
  const [first] = frames;
  if (first === undefined) throw new Error("the volume gave no slice");
  if (name !== undefined && ["sagittal", "coronal", "axial"][axis] !== name)
    throw new Error(`axis ${axis} is not called ${name}`);
  e.equal("indices", sliceIndices(read.shape[axis], rule, numSlices));
  e.equal("shape", [frames.length, first.height, first.width]);
  e.equal("pil_size", [first.width, first.height]);
  e.tensor("slices", exact(frames.flatMap(grey), await tensors.read(e.input("key"))));
}

/** The one channel of a grey picture; any colour in it shows as a number that no byte is. */
export const grey = ({ data }: RgbImage): number[] =>
  Array.from({ length: data.length / 3 }, (_, i) =>
    data[3 * i] === data[3 * i + 1] && data[3 * i] === data[3 * i + 2] ? data[3 * i]! : -1,
  );

async function voxelCase(
  key: string,
  volume: (file: string) => Promise<NiftiVolume>,
  tensors: TensorSource,
): Promise<Outcome> {
  const { shape, plane } = await volume(key.replace(/\/fdata$/, ""));
  const found: number[] = [];
  for (let i = 0; i < shape[0]; i++) found.push(...plane(0, i).values);
  return within(found.map(Math.fround), await tensors.floats(key), 0);
}
