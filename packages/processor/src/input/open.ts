import { ProcessorError } from "../errors.js";
import { inNode } from "../platform.js";
import { type FileInput, fileHead } from "./file.js";
import { isFolder, pairedImage, plainFiles } from "./folder.js";
import { HEAD_BYTES, type InputFormat, sniffInput } from "./format.js";
import { inputLimits } from "./limits.js";
import { openDicom, openSeries } from "./open-dicom.js";
import { openNifti } from "./open-nifti.js";
import { openClip, openFrames, openPicture } from "./open-picture.js";
import type { InputFiles, OpenedInput, OpenOptions } from "./opened.js";

/**
 * Opens whatever a hospital has: a picture, a DICOM file, a series (a folder or its files), a NIfTI file or pair, a clip, a
 * folder of frames. What it is, its first bytes tell, whatever its name says. Frames are decoded when they are asked for.
 * @param input a path (Node), bytes, a Blob, or several of them
 * @throws ProcessorError `input-format` where nothing that is read is in it, `input-file`, `input-too-large`, and what the
 *   reader of the format throws
 */
export async function openInput(input: InputFiles, options: OpenOptions = {}): Promise<OpenedInput> {
  options.signal?.throwIfAborted();
  inputLimits(options.limits);
  if (isList(input)) return openFiles(input, options);
  if (typeof input === "string" && inNode() && (await isFolder(input)))
    return openFiles(await plainFiles(input, inputLimits(options.limits).maxFrames), options);
  return openFile(input, await formatOf(input), options);
}

const isList = (input: InputFiles): input is readonly FileInput[] => Array.isArray(input);

const formatOf = async (file: FileInput): Promise<InputFormat | undefined> =>
  sniffInput(await fileHead(file, HEAD_BYTES));

async function openFile(file: FileInput, format: InputFormat | undefined, options: OpenOptions): Promise<OpenedInput> {
  switch (format) {
    case undefined:
      throw new ProcessorError("input-format", `${await emptyOr(file)}; pictures, DICOM, NIfTI and clips are read`);
    case "dicom":
      return openDicom(file, options);
    case "nifti":
      return openNifti(file, typeof file === "string" ? await pairedImage(file) : undefined, options);
    case "gif":
      return options.as === "image" ? openPicture(file, format, options) : openClip(file, format, options);
    case "png":
    case "jpeg":
    case "webp":
    case "tiff":
    case "bmp":
      return openPicture(file, format, options);
    default:
      return openClip(file, format, options);
  }
}

async function emptyOr(file: FileInput): Promise<string> {
  return (await fileHead(file, 1)).length === 0 ? "the file is empty" : "the first bytes match no known format";
}

/** Several files: those of a series, a NIfTI pair, or the frames of a clip in their order. */
async function openFiles(files: readonly FileInput[], options: OpenOptions): Promise<OpenedInput> {
  const kinds: (InputFormat | undefined)[] = [];
  for (const file of files) kinds.push(await formatOf(file));
  const of = (...formats: readonly (InputFormat | undefined)[]) => files.filter((_, i) => formats.includes(kinds[i]));
  if (kinds.includes("dicom")) return openSeries(files, options);
  const [volume, ...volumes] = of("nifti");
  const pictures = of("png", "jpeg", "webp", "tiff", "bmp", "gif");
  if (volume !== undefined && volumes.length === 0 && pictures.length === 0) {
    // The other half of a pair has no mark of its own.
    const [image, ...more] = of(undefined);
    return openNifti(volume, more.length === 0 ? image : undefined, options);
  }
  if (pictures.length > 0 && volume === undefined) return openFrames(pictures, options);
  const [only, ...others] = files.filter((_, i) => kinds[i] !== undefined);
  if (only !== undefined && others.length === 0) return openFile(only, await formatOf(only), options);
  throw new ProcessorError(
    "input-format",
    `of ${files.length} files ${others.length + (only === undefined ? 0 : 1)} are of a format that is read, and they are no series, no pair and no frames of a clip; give one of them`,
  );
}
