import { ProcessorError } from "../errors.js";
import { joined } from "../joined.js";
import { numbers } from "./attributes.js";
import { type DataSet, type Element, ITEM, makeSource, readHead, SEQUENCE_END, UNDEFINED_LENGTH } from "./elements.js";
import { TAG } from "./tags.js";

/** A piece of compressed pixels, in bytes of the file. */
interface Fragment {
  readonly at: number;
  readonly length: number;
}

/** More pieces than this no file has: slides, the largest, have some hundred thousand tiles. */
const MAX_FRAGMENTS = 2 ** 20;
/** The end marker of a JPEG, JPEG-LS or JPEG 2000 stream lies in its last bytes, before the padding. */
const MARKER_WITHIN = 10;

/**
 * Finds the compressed frames: by the extended or the basic offset table; else by counting, where each frame has one
 * fragment or there is one frame; else by the end marker of the streams. A table that does not fit is passed over.
 * Source: DICOM PS3.5 A.4.
 * @returns a function that gives a frame's bytes: its fragments joined, a view of the file where there is one
 * @throws ProcessorError `dicom-corrupt`, `dicom-pixels-short`, `dicom-too-large`.
 */
export function encapsulatedFrames(set: DataSet, pixels: Element, frames: number): (frame: number) => Uint8Array {
  const { bytes } = set.source;
  const { table, fragments } = readFragments(bytes, pixels.at);
  const extended = numbers(set, TAG.extendedOffsets, "UV");
  const firsts =
    byTable(fragments, extended, frames) ??
    byTable(fragments, table, frames) ??
    byCount(fragments.length, frames) ??
    byMarker(bytes, fragments, frames);
  return (frame) => join(bytes, fragments.slice(firsts[frame], firsts[frame + 1]));
}

/** The basic offset table and the fragments. That the closing delimiter is missing is let pass. */
function readFragments(bytes: Uint8Array, start: number): { table: number[]; fragments: Fragment[] } {
  const source = makeSource(bytes, true, true);
  const found: Fragment[] = [];
  for (let at = start; at + 8 <= bytes.length; ) {
    const head = readHead(source, at, bytes.length);
    if (head.tag === SEQUENCE_END) break;
    if (head.tag !== ITEM || head.length === UNDEFINED_LENGTH)
      throw new ProcessorError("dicom-corrupt", "the compressed pixels hold something that is no fragment");
    at = head.at + head.length;
    if (at > bytes.length)
      throw new ProcessorError("dicom-pixels-short", "the file is cut in the middle of the compressed pixels");
    if (found.length > MAX_FRAGMENTS)
      throw new ProcessorError("dicom-too-large", `the compressed pixels have more than ${MAX_FRAGMENTS} fragments`);
    found.push({ at: head.at, length: head.length });
  }
  const [tableAt, ...fragments] = found;
  if (tableAt === undefined || fragments.length === 0)
    throw new ProcessorError("dicom-pixels-short", "there are no compressed pixels");
  const count = Math.min(Math.floor(tableAt.length / 4), fragments.length);
  const table = Array.from({ length: count }, (_, i) => source.view.getUint32(tableAt.at + 4 * i, true));
  return { table, fragments };
}

/** The first fragment of each frame, and of the next; undefined where the table has not a place for each frame. */
function byTable(fragments: readonly Fragment[], offsets: readonly number[], frames: number): number[] | undefined {
  if (offsets.length < frames || offsets[0] !== 0) return undefined;
  const base = fragments[0]!.at;
  const places = new Map(fragments.map(({ at }, i) => [at - base, i]));
  const firsts = offsets.map((offset) => places.get(offset) ?? -1);
  if (firsts.some((place, i) => i > 0 && place <= firsts[i - 1]!)) return undefined;
  return [...firsts, fragments.length];
}

function byCount(fragments: number, frames: number): number[] | undefined {
  if (frames === 1) return [0, fragments];
  if (fragments < frames)
    throw new ProcessorError("dicom-pixels-short", `${frames} frames are promised, there are ${fragments} fragments`);
  return fragments === frames ? Array.from({ length: frames + 1 }, (_, i) => i) : undefined;
}

function byMarker(bytes: Uint8Array, fragments: readonly Fragment[], frames: number): number[] {
  const firsts = [0];
  fragments.forEach(({ at, length }, i) => {
    const tail = bytes.subarray(at + Math.max(0, length - MARKER_WITHIN), at + length);
    if (tail.some((byte, k) => byte === 0xff && tail[k + 1] === 0xd9)) firsts.push(i + 1);
  });
  if (firsts.length !== frames + 1)
    throw new ProcessorError(
      "dicom-corrupt",
      `${fragments.length} fragments have ${firsts.length - 1} ends of streams, ${frames} frames are promised`,
    );
  return firsts;
}

const join = (bytes: Uint8Array, fragments: readonly Fragment[]): Uint8Array =>
  joined(fragments.map(({ at, length }) => bytes.subarray(at, at + length)));
