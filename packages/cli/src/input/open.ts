import { stat } from "node:fs/promises";
import { type FrameSource, type InputFacts, type OpenedInput, openInput } from "@hulu/processor";
import { UsageError, unreadable } from "../errors.js";
import type { ReadOptions } from "./options.js";

type Kind = FrameSource["kind"];

/** A file or folder that is open, as it is going to be shown. */
export interface Shown extends OpenedInput {
  readonly file: string;
  readonly known: InputFacts;
}

/**
 * Open what a path leads to. Of a DICOM picture there is one for each window.
 * @param kind what it is to be shown as; what it is by itself where undefined
 * @throws UsageError where it is no such thing, with the option that takes it
 */
export async function openShown(
  file: string,
  kind: Kind | undefined,
  { windows, ...options }: ReadOptions,
  signal: AbortSignal,
): Promise<readonly Shown[]> {
  const folder = (await stat(file).catch(unreadable(file))).isDirectory();
  if (folder && kind === "image") throw new UsageError(`${file} cannot be read: it is a folder`);
  const open = async (window: ReadOptions["windows"][number] | undefined): Promise<Shown> => {
    const opened = await openInput(file, {
      ...options,
      signal,
      as: asked(kind, options.frame),
      ...(window !== undefined && { window }),
    });
    const known = await opened.facts();
    if (kind !== undefined) checkKind(file, kind, opened, known);
    // Before a slice is asked for, and so before a model is loaded.
    if (opened.format === "nifti" && options.rule === "repository" && known.window !== undefined)
      throw new UsageError("--window goes with the slice rule hf; the repository's rule has none for a NIfTI volume");
    return { ...opened, file, known };
  };
  const [first, ...more] = windows;
  const shown = await open(first);
  // Colours have no window: they would be the same picture again.
  if (more.length === 0 || (shown.source.kind === "image" && shown.known.window === undefined)) return [shown];
  if (shown.source.kind !== "image")
    throw new UsageError(
      `${file} is a ${shown.source.kind}, which is seen through one --window, not ${windows.length}`,
    );
  const others: Shown[] = [];
  for (const window of more) others.push(await open(window));
  return [shown, ...others];
}

/** One frame of several is a picture. */
const asked = (kind: Kind | undefined, frame: number | undefined): Kind | undefined =>
  kind ?? (frame === undefined ? undefined : "image");

/** The formats that each option takes; of several frames, a picture is one. */
const PICTURES: readonly OpenedInput["format"][] = ["png", "jpeg", "webp", "tiff", "bmp", "gif", "dicom"];
const VOLUMES: readonly OpenedInput["format"][] = ["nifti", "dicom-series"];

function natural(format: OpenedInput["format"]): Kind {
  if (format === "dicom" || format === "gif") return "image";
  return PICTURES.includes(format) ? "image" : VOLUMES.includes(format) ? "volume" : "video";
}

function checkKind(file: string, kind: Kind, { format, source }: OpenedInput, { frames }: InputFacts): void {
  const several = format === "dicom" || format === "gif";
  const fits = natural(format) === kind || (several && kind === "video");
  if (!fits) {
    const what = natural(format);
    throw new UsageError(`${file} is ${what === "image" ? "a picture" : `a ${what}`}; give it with --${what}`);
  }
  if (kind === "video" && several && frames === 1)
    throw new UsageError(`${file} is one picture; give it with --image, or a GIF or a folder of frames with --video`);
  if (kind === "image" && source.count !== 1)
    throw new UsageError(`${file} has ${source.count} frames; give it with --video`);
}

/** What a person should know before the answer is read: of each input once. */
export function* warningsOf(shown: readonly Shown[]): Generator<string> {
  const told = new Set<string>();
  for (const { file, warnings, source, known } of shown) {
    const texts = warnings.map(({ message, code }) => `${message} (${code})`);
    if (source.kind === "image" && known.frames > 1)
      texts.push(`it has ${known.frames} frames, of which number ${known.indices?.[0] ?? 0} is shown`);
    for (const text of texts) {
      const line = `${file}: ${text}`;
      if (!told.has(line)) yield line;
      told.add(line);
    }
  }
}
