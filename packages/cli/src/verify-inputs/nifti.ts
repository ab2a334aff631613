import { readFile } from "node:fs/promises";
import {
  type NiftiOptions,
  type NiftiVolume,
  ProcessorError,
  readNifti,
  scalePlane,
  sliceIndices,
  type Volume,
} from "@hulu/processor";
import type { Source } from "./check.js";
import { compareFacts, factsOf, SIX_DIGITS, sha256 } from "./facts.js";
import type { Golden } from "./golden.js";
import { type StoredNifti, storedNifti, storedVoxels } from "./stored-nifti.js";

/** Bytes before the voxels that are looked at. */
const HEADERS = 2 ** 24;
/** nibabel computes an affine in float64 too, in another order. */
const AFFINE = 1e-9;

/** A NIfTI file, held against what nibabel makes of it. */
export async function checkNifti({ path, bytes, golden }: Source): Promise<undefined> {
  const image = await otherHalf(path);
  const read = (options: NiftiOptions) => readNifti(bytes, { ...(image && { image }), ...options });
  // Of a file of several volumes the first is the one that is sliced.
  const volume = await read({ volumeIndex: 0 });
  golden.remarks("slices_of");
  // A voxel takes 16 bytes at most; the header and its extensions lie before them.
  const stored = await storedNifti(bytes, 16 * product(volume.header.shape) + HEADERS, image);
  compareHeader(golden, volume, stored);
  golden.near("affine", volume.header.affine, AFFINE);
  golden.equal("axcodes", volume.geometry?.axcodes);
  compareRaw(golden, volume, stored);
  await compareValues(golden.part("fdata"), volume, read);
  compareSlices(golden.part("slices_8"), volume);
  const canonical = golden.part("canonical_ras");
  if (canonical !== undefined) compareCanonical(canonical, await read({ volumeIndex: 0, reorient: "RAS" }));
  compareColours(golden.part("rgb_voxels"), volume);
  return undefined;
}

/** A .hdr has its voxels in a file of the same name. */
async function otherHalf(path: string): Promise<Uint8Array | undefined> {
  if (!/\.hdr$/i.test(path)) return undefined;
  return readFile(path.replace(/hdr$/, "img").replace(/HDR$/, "IMG")).catch((cause: unknown) => {
    throw new ProcessorError("nifti-pair", "the .img half of the pair cannot be read", { cause });
  });
}

const spelled = (x: number): number | string =>
  Number.isNaN(x) ? "nan" : Number.isFinite(x) ? x : x > 0 ? "inf" : "-inf";

function compareHeader(golden: Golden, { header }: NiftiVolume, stored: StoredNifti): void {
  golden.equal("class", `Nifti${stored.version}${stored.pair ? "Pair" : "Image"}`);
  golden.equal("shape", header.shape);
  golden.equal("datatype", stored.datatype);
  golden.equal("bitpix", stored.bitpix);
  golden.equal("endianness", header.littleEndian ? "<" : ">");
  golden.equal("zooms", header.spacing);
  golden.equal("scl_slope_in_header", spelled(stored.slope));
  golden.equal("scl_inter_in_header", spelled(stored.inter));
  golden.equal("effective_slope_inter", [header.slope, header.inter]);
  golden.equal("qform_code", stored.qformCode);
  golden.equal("sform_code", stored.sformCode);
  golden.equal("vox_offset", stored.offset);
  golden.equal("bytes_after_gzip", stored.bytesAfterGzip);
}

const product = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

function compareRaw(golden: Golden, { header: { shape } }: NiftiVolume, stored: StoredNifti): void {
  const raw = golden.part("raw");
  if (raw === undefined) return;
  const { dtype, bytes, numbers } = storedVoxels(stored, product(shape));
  if (numbers !== undefined) compareFacts(raw, factsOf(shape, [numbers]));
  else {
    raw.remarks("order", "note");
    raw.equal("shape", shape);
    raw.equal("dtype", dtype);
    raw.equal("sha256", sha256(bytes));
  }
}

/** All values of all volumes, the first axis fastest. */
async function compareValues(
  golden: Golden | undefined,
  first: NiftiVolume,
  read: (options: NiftiOptions) => Promise<NiftiVolume>,
): Promise<void> {
  if (golden === undefined) return;
  const volumes: Volume[] = [first];
  for (let i = 1; i < first.volumes; i++) volumes.push(await read({ volumeIndex: i }));
  compareFacts(golden, factsOf(first.header.shape, slabs(volumes)));
}

/** The planes across the last axis in file order: a volume's values would take 8 bytes a voxel at once. */
export function* slabs(volumes: Iterable<Volume>): Generator<Float64Array> {
  for (const volume of volumes)
    for (let k = 0; k < volume.shape[2]; k++) {
      const { rows, cols, values } = volume.plane(2, k);
      const slab = new Float64Array(values.length);
      for (let x = 0; x < rows; x++) for (let y = 0; y < cols; y++) slab[y * rows + x] = values[x * cols + y]!;
      yield slab;
    }
}

/** Eight slices along each axis by the released rule, and what they are as bytes. */
export function compareSlices(golden: Golden | undefined, volume: Volume): void {
  if (golden === undefined) return;
  for (const [name, axis] of [
    ["sagittal", 0],
    ["coronal", 1],
    ["axial", 2],
  ] as const) {
    const along = golden.part(name);
    if (along === undefined) continue;
    const indices = sliceIndices(volume.shape[axis], "repository", 8);
    along.equal("axis", axis);
    along.equal("indices", indices);
    along.equal(
      "shape",
      volume.shape.filter((_, i) => i !== axis),
    );
    // A remark: the slices hold NaN or infinities.
    along.remarks("nonfinite");
    const list = along.parts("slices") ?? [];
    if (list.length !== indices.length) along.wrong("slices", `${indices.length} slices, published as ${list.length}`);
    for (const [at, slice] of list.entries()) compareSlice(slice, volume, axis, indices[at] ?? -1);
  }
}

function compareSlice(golden: Golden, volume: Volume, axis: 0 | 1 | 2, index: number): void {
  const plane = volume.plane(axis, index);
  const grey = scalePlane(plane, "repository");
  golden.equal("i", index);
  // Where the released code's cast has no defined result there is no hash to hold against.
  if (golden.input("undefined") !== undefined) {
    golden.remarks("sha256", "mean", "constant");
    return;
  }
  golden.equal("sha256", sha256(grey));
  golden.near("mean", factsOf([], [grey]).mean, SIX_DIGITS);
  const finite = plane.values.filter(Number.isFinite);
  const [value] = finite;
  golden.equal("constant", finite.every((v) => v === value) ? value : undefined);
}

/** Reoriented as nibabel's `as_closest_canonical` does. */
function compareCanonical(golden: Golden, volume: Volume): void {
  golden.equal("shape", volume.shape);
  golden.equal("axcodes", volume.geometry?.axcodes);
  golden.near("affine", volume.geometry?.affine, AFFINE);
  golden.equal("sha256_float64_file_order", factsOf([], slabs([volume])).sha256);
  const grey = (index: number) => sha256(scalePlane(volume.plane(2, index), "repository"));
  golden.equal("slices_8_axial_first_last", [grey(0), grey(volume.shape[2] - 1)]);
}

/** Voxels of red, green and blue, the last axis fastest. */
function compareColours(golden: Golden | undefined, volume: Volume): void {
  if (golden === undefined) return;
  const { shape, channels } = volume;
  function* planes(): Generator<Uint8Array> {
    for (let x = 0; x < shape[0]; x++) yield Uint8Array.from(volume.plane(0, x).values);
  }
  compareFacts(golden, factsOf([...shape, channels], planes()));
}
