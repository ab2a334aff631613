import { CT_WINDOWS, type PresetName } from "../dicom/window.js";
import { ProcessorError } from "../errors.js";
import { readNifti } from "../volume/nifti.js";
import { type SliceOptions, sliceIndices } from "../volume/slices.js";
import { volumeSource } from "../volume/source.js";
import { axisNumber } from "../volume/volume.js";
import { type FileInput, fileBytes } from "./file.js";
import { inputLimits } from "./limits.js";
import type { InputFacts, OpenedInput, OpenOptions } from "./opened.js";

/** @param image the other half, of a pair */
export async function openNifti(
  file: FileInput,
  image: FileInput | undefined,
  options: OpenOptions,
): Promise<OpenedInput> {
  const limits = inputLimits(options.limits);
  const { volumeIndex, reorient, axis = "axial", rule = "hf", numSlices, view = "upstream" } = options;
  if (view === "stored")
    throw new ProcessorError("volume-geometry", "the view of a NIfTI volume must be upstream or radiological");
  const volume = await readNifti(await fileBytes(file, { limits }), {
    limits,
    ...(volumeIndex !== undefined && { volumeIndex }),
    ...(reorient !== undefined && { reorient }),
    ...(image !== undefined && { image: await fileBytes(image, { limits }) }),
  });
  const window = windowOf(options.window);
  const source = volumeSource(volume, {
    ...{ axis, rule, view, limits },
    ...(numSlices !== undefined && { numSlices }),
    ...(window && { window }),
  });
  const along = volume.shape[axisNumber(axis)];
  const { geometry, header, volumes } = volume;
  const facts: InputFacts = {
    width: source.width,
    height: source.height,
    frames: along,
    indices: sliceIndices(along, rule, numSlices),
    bits: header.bytesPerVoxel * 8,
    ...(geometry && { spacing: geometry.spacing, axcodes: geometry.axcodes }),
    ...(volumes > 1 && { volumes }),
    ...(window && { window: { from: "given", function: "LINEAR", ...window } }),
  };
  return {
    format: "nifti",
    source: options.as === undefined ? source : { ...source, kind: options.as },
    warnings: [],
    facts: async () => facts,
  };
}

/** The window of a NIfTI volume, whose file has none. */
function windowOf(window: OpenOptions["window"]): SliceOptions["window"] {
  if (window === undefined || window === "slice-min-max" || window === "min-max") return undefined;
  if (typeof window === "string" && Object.hasOwn(CT_WINDOWS, window)) return CT_WINDOWS[window as PresetName];
  if (typeof window === "object" && "center" in window && (window.function ?? "LINEAR") === "LINEAR")
    return { center: window.center, width: window.width };
  throw new ProcessorError(
    "volume-window",
    `a NIfTI file has no windows of its own: give a center and a width, ${Object.keys(CT_WINDOWS).join(", ")}, or min-max`,
  );
}
