import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type DicomSeries, type Geometry, ProcessorError, readSeries } from "@hulu/processor";
import type { Source } from "./check.js";
import { checkDicom } from "./dicom.js";
import { compareFacts, factsOf, sha256 } from "./facts.js";
import type { Golden } from "./golden.js";
import { compareSlices, slabs } from "./nifti.js";
import { oddness } from "./oddness.js";
import { attribute, KEYWORDS, storedDicom } from "./stored-dicom.js";

/** Products and sums of decimal numbers, in another order. */
const PLACES = 1e-9;
/** Gaps are published to four digits behind the point. */
const GAPS = 1e-4;

/** One file of a series: a DICOM file; where a warning is asked for, it is one about the series that it belongs to. */
export async function checkMember(source: Source): Promise<string | undefined> {
  const own = await checkDicom(source);
  if (!String(source.expect).endsWith("_or_warn")) return own;
  const { series } = await largest(dirname(source.path));
  return oddness(series.warnings) ?? own;
}

/** A folder that holds a series: the volume that is made of it. */
export async function checkSeries(folder: string, golden: Golden): Promise<string | undefined> {
  const { series, names } = await largest(folder);
  const order = series.files.map((file) => names[file]!);
  golden.equal("order", order);
  golden.near("positions_along_normal", series.positions, PLACES);
  golden.near("gaps", gapsOf(series), GAPS);
  await compareAttributes(golden, folder, order);
  golden.equal("slice_thickness", series.header.thickness);
  compareGeometry(golden, series.geometry);
  const volume = await series.volume();
  golden.equal("axcodes", volume.geometry?.axcodes);
  const [columns, rows, count] = volume.shape;
  const values = golden.part("hu_zyx_float64");
  if (values !== undefined) compareFacts(values, factsOf([count, rows, columns], slabs([volume])));
  compareSlices(golden.part("slices_8_of_V_xyz"), volume);
  if (golden.has("axial_row_major")) golden.equal("axial_row_major", await slicesOf(series));
  return oddness(series.warnings);
}

async function largest(folder: string): Promise<{ readonly series: DicomSeries; readonly names: readonly string[] }> {
  let entries: Awaited<ReturnType<typeof listed>>;
  try {
    entries = await listed(folder);
  } catch (cause) {
    throw new Error("the folder cannot be read", { cause });
  }
  const names = entries
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort();
  const [series] = await readSeries(names.map((name) => ({ bytes: () => readFile(join(folder, name)) })));
  if (series === undefined) throw new ProcessorError("series-empty", "there is no series");
  return { series, names };
}

const listed = (folder: string) => readdir(folder, { withFileTypes: true });

const gapsOf = ({ positions }: DicomSeries): readonly number[] | undefined =>
  positions?.slice(1).map((at, i) => at - positions[i]!);

/** What is published of the files as they are written. */
async function compareAttributes(golden: Golden, folder: string, order: readonly string[]): Promise<void> {
  if (!golden.has("instance_numbers") && !golden.has("pixel_spacing_row_col")) return;
  const numbers: unknown[] = [];
  const spacings: unknown[] = [];
  for (const name of order) {
    const stored = storedDicom(await readFile(join(folder, name)));
    numbers.push(attribute(stored, KEYWORDS.get("InstanceNumber")!));
    spacings.push(attribute(stored, KEYWORDS.get("PixelSpacing")!));
  }
  golden.equal("instance_numbers", numbers);
  golden.equal("pixel_spacing_row_col", spacings[0]);
}

function compareGeometry(golden: Golden, geometry: Geometry | undefined): void {
  const ras = geometry?.affine;
  golden.near("affine_ras", ras, PLACES);
  // DICOM's own axes run to the left and to the back.
  golden.near(
    "affine_lps",
    ras?.map((row, r) => row.map((v) => (r < 2 ? -v : v))),
    PLACES,
  );
}

/** Each slice as its file has it, from its least to its greatest value. */
async function slicesOf(series: DicomSeries): Promise<readonly string[]> {
  const hashes: string[] = [];
  const source = series.slices({ window: "slice-min-max", numSlices: series.count });
  for await (const { data } of source.frames()) hashes.push(sha256(data.filter((_, i) => i % 3 === 0)));
  return hashes;
}
