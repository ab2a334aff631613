import type { DicomImage } from "../src/dicom/image.js";

/** A type of array as the loader picks it: the smallest that holds the values. */
function typed(values: Float64Array): Uint8Array | Uint16Array | Int16Array | Float32Array {
  const [min, max] = values.reduce(([low, high], v) => [Math.min(low, v), Math.max(high, v)], [0, 0]);
  if (!values.every(Number.isInteger)) return Float32Array.from(values);
  if (min < 0) return min >= -32768 && max <= 32767 ? Int16Array.from(values) : Float32Array.from(values);
  if (max <= 255) return Uint8Array.from(values);
  return max <= 65535 ? Uint16Array.from(values) : Float32Array.from(values);
}

/**
 * One frame as `createImage` of @cornerstonejs/dicom-image-loader 5.14 leaves it, and what its wadouri provider says of it.
 * @param preScale whether the loader applies the rescale, as it does by default
 * @param rgba whether colours come with an alpha channel: as asked for, or since a canvas of them was made
 */
export async function loadedFrame(dicom: DicomImage, { frame = 0, preScale = true, rgba = false } = {}) {
  const { header } = dicom;
  const { rows, columns, photometric, modality, bitsStored, signed } = header;
  const color = header.samples === 3 || photometric === "PALETTE COLOR";
  const { rescale, windows, position, orientation, spacing, thickness } = header;
  const stored = color ? Float64Array.of() : Float64Array.from((await dicom.stored(frame)).samples);
  const scaled = preScale && (rescale.slope !== 1 || rescale.intercept !== 0);
  const grey = typed(scaled ? stored.map((v) => v * rescale.slope + rescale.intercept) : stored);
  const rgb = color ? (await dicom.picture(frame)).image.data : Uint8Array.of();
  const padded = new Uint8ClampedArray((rgb.length / 3) * 4).fill(255);
  for (let i = 0; i < rgb.length; i++) padded[Math.floor(i / 3) * 4 + (i % 3)] = rgb[i]!;
  const parameters = { rescaleSlope: rescale.slope, rescaleIntercept: rescale.intercept, modality: modality ?? "OT" };
  const image = {
    rows,
    columns,
    color,
    rgba,
    slope: rescale.slope || 1,
    intercept: rescale.intercept || 0,
    invert: photometric === "MONOCHROME1",
    ...(scaled && { preScale: { enabled: true, scaled: true, scalingParameters: parameters } }),
    getPixelData: () => (color ? (rgba ? padded : new Uint8ClampedArray(rgb)) : grey),
  };
  const modules = new Map<string, object>([
    [
      "imagePixelModule",
      {
        photometricInterpretation: photometric,
        bitsAllocated: header.bitsAllocated,
        bitsStored,
        pixelRepresentation: signed ? 1 : 0,
        samplesPerPixel: header.samples,
      },
    ],
    ["generalSeriesModule", { modality }],
    ["modalityLutModule", { rescaleSlope: rescale.slope, rescaleIntercept: rescale.intercept }],
    [
      "voiLutModule",
      {
        windowCenter: windows.length > 0 ? windows.map((w) => w.center) : undefined,
        windowWidth: windows.length > 0 ? windows.map((w) => w.width) : undefined,
        voiLUTFunction: windows[0]?.function,
      },
    ],
    [
      "imagePlaneModule",
      {
        rows,
        columns,
        imagePositionPatient: position,
        imageOrientationPatient: orientation,
        pixelSpacing: spacing,
        rowCosines: orientation?.slice(0, 3) ?? null,
        columnCosines: orientation?.slice(3) ?? null,
        rowPixelSpacing: spacing?.[0] ?? 1,
        columnPixelSpacing: spacing?.[1] ?? 1,
        sliceThickness: thickness,
        usingDefaultValues: spacing === undefined,
      },
    ],
  ]);
  return { image, provider: (type: string, _imageId: string): unknown => modules.get(type) };
}
