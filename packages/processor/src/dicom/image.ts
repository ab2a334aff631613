import { ProcessorError } from "../errors.js";
import { heldBytes } from "../input/file.js";
import { type InputLimits, inputLimits } from "../input/limits.js";
import type { InputWarning } from "../input/warning.js";
import type { DataSet } from "./elements.js";
import { openFile, pixelElement } from "./file.js";
import { type DicomHeader, readHeader } from "./header.js";
import { nativeBytes } from "./native.js";
import { type DicomPicture, painter } from "./picture.js";
import { framePixels } from "./pixels.js";
import { type PromptTag, promptTags } from "./prompt-tags.js";
import type { StoredFrame } from "./stored.js";
import { headerWarnings } from "./warnings.js";
import type { WindowChoice } from "./window.js";

export interface DicomOptions {
  readonly limits?: InputLimits;
}

/** A DICOM file with pixels. Frames are decoded when they are asked for; none is kept. */
export interface DicomImage {
  readonly header: DicomHeader;
  readonly frames: number;
  readonly warnings: readonly InputWarning[];
  /** @throws ProcessorError `dicom-frame`, and what the codec finds wrong. */
  stored(frame: number): Promise<StoredFrame>;
  /**
   * Stored values through rescale or Modality LUT, `[row * columns + column]`, float64: Hounsfield units for CT.
   * @throws ProcessorError as {@link stored}; `dicom-unsupported` for colour.
   */
  values(frame: number): Promise<Float64Array>;
  /**
   * A frame as RGB. Default window: "file". "min-max" reads all frames once, and takes padding for pixels like others.
   * @throws ProcessorError as {@link stored}; `dicom-window`.
   */
  picture(frame: number, options?: { readonly window?: WindowChoice }): Promise<DicomPicture>;
  /** One frame through several windows; of a colour frame one picture, since it has none. */
  pictures(frame: number, windows: readonly WindowChoice[]): Promise<readonly DicomPicture[]>;
  /**
   * What the file says under the tags that are named, for a prompt. None of them identifies a patient.
   * @throws ProcessorError `dicom-prompt-tag` for any tag that is not one of {@link PromptTag}.
   */
  promptTags(allowed: readonly PromptTag[]): ReadonlyMap<PromptTag, string>;
}

/**
 * Reads a DICOM file: its header is checked against the limits and the file's length before anything is allocated.
 * Source: DICOM PS3.3, PS3.5, PS3.10.
 * @param file the bytes, not copied
 * @throws ProcessorError `dicom-format`, `dicom-transfer-syntax`, `dicom-corrupt`, `dicom-header`, `dicom-unsupported`,
 *   `dicom-pixels-missing`, `dicom-pixels-short`, `dicom-too-large`, `input-limit`, `input-file`, `input-too-large` (a Blob).
 */
export async function readDicom(file: Uint8Array | Blob, options: DicomOptions = {}): Promise<DicomImage> {
  const limits = inputLimits(options.limits);
  const bytes = await heldBytes(file, limits.maxBytes);
  if (bytes.length > limits.maxBytes)
    throw new ProcessorError(
      "dicom-too-large",
      `the file has ${bytes.length} bytes, over ${limits.maxBytes} (maxBytes)`,
    );
  const { syntax, data } = await openFile(
    bytes,
    limits.maxBytes,
    (set, deflated) => pixelElement(set)!.at + nativeBytes(readHeader(set, deflated, limits)),
  );
  if (pixelElement(data) === undefined)
    throw new ProcessorError("dicom-pixels-missing", "the file has no pixels: it is a report, a plan or a directory");
  const header = readHeader(data, syntax, limits);
  return makeImage(data, header, framePixels(data, header, syntax));
}

function makeImage(data: DataSet, header: DicomHeader, decode: (frame: number) => Promise<StoredFrame>): DicomImage {
  const stored = async (frame: number) => {
    if (!Number.isSafeInteger(frame) || frame < 0 || frame >= header.frames)
      throw new ProcessorError("dicom-frame", `frame ${frame} is not one of the ${header.frames}`);
    return decode(frame);
  };
  const paint = painter(data, header, stored);
  const pictures = async (frame: number, windows: readonly WindowChoice[]) =>
    paint.pictures(await stored(frame), frame, windows);
  return {
    header,
    frames: header.frames,
    warnings: headerWarnings(header),
    stored,
    values: async (frame) => paint.values(await stored(frame), frame),
    picture: async (frame, { window = "file" } = {}) => (await pictures(frame, [window]))[0]!,
    pictures,
    promptTags: (allowed) => promptTags(data, allowed),
  };
}
