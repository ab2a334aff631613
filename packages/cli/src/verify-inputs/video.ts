import { openVideo, type RgbImage, type VideoSource, type YuvFrame } from "@hulu/processor";
import type { Source } from "./check.js";
import { sha256 } from "./facts.js";
import type { Golden } from "./golden.js";
import { oddness } from "./oddness.js";

/** Decoders whose result the standard fixes to the bit. */
const EXACT: readonly string[] = ["h264", "hevc", "vp8", "vp9", "av1"];
/** Codecs that libraries name by one of their decoders, or otherwise than ffmpeg's log. */
const NAMES: ReadonlyMap<unknown, string> = new Map([
  ["libdav1d", "av1"],
  ["flv", "flv1"],
]);
/** Seconds: containers round a frame's time, to a millisecond in Matroska. */
const TIME = 1e-3;
/** A mean of a channel, of 0 to 255. */
const MEAN = 1;

/** The matrices of ffmpeg's colour spaces; 2 is an unnamed one, which is taken for BT.601. Source: ITU-T H.273, table 4. */
const MATRICES: ReadonlyMap<unknown, YuvFrame["matrix"]> = new Map<unknown, YuvFrame["matrix"]>([
  [1, "bt709"],
  [2, "bt601"],
  [4, "fcc"],
  [5, "bt601"],
  [6, "bt601"],
  [7, "smpte240m"],
  [9, "bt2020"],
  [10, "bt2020"],
]);
/** 0 is an unnamed range, which is taken for the limited one. */
const FULL_RANGE: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  [0, false],
  [1, false],
  [2, true],
]);

/** A clip, held against what ffmpeg's libraries make of it: every frame. */
export async function checkVideo({ path, golden }: Source): Promise<string | undefined> {
  const clip = await openVideo(path, { maxFrames: 65_536 });
  golden.remarks("container", "pix_fmt", "time_base", "has_b_frames");
  golden.equal("codec", NAMES.get(golden.input("codec")) === clip.codec ? golden.input("codec") : clip.codec);
  golden.equal("width", clip.width);
  golden.equal("height", clip.height);
  golden.equal("n_frames", clip.total);
  compareLength(golden, clip);
  await compareFrames(golden, clip);
  return oddness(clip.warnings);
}

/** What the container says: of a clip that is cut it promises more than there is. */
function compareLength(golden: Golden, clip: VideoSource): void {
  const rate = quotient(golden.input("average_rate"));
  if (rate !== undefined && !(Math.abs(rate - clip.videoFps) <= 1e-3 * rate))
    golden.wrong("average_rate", `is ${clip.videoFps}, published as ${rate}`);
  const declared = golden.input("declared_frames");
  const seconds = golden.input("duration_s");
  if (oddness(clip.warnings) !== undefined) return;
  // 0: the container does not say.
  if (declared !== undefined && declared !== 0) golden.equal("declared_frames", clip.total);
  const length = clip.total / clip.videoFps;
  // At a rate that varies the container may say the one or the other.
  const lengths = [length, span(clip.fileTimes) + 1 / clip.videoFps];
  // As long as its frames, one more or less: the last one's end is not always told.
  if (typeof seconds === "number" && !lengths.some((other) => Math.abs(seconds - other) <= 1.5 / clip.videoFps))
    golden.wrong("duration_s", `is ${length}, published as ${seconds}`);
}

const span = (times: readonly number[] = []): number => (times.at(-1) ?? Number.NaN) - (times[0] ?? Number.NaN);

/** A fraction as it is written: "30000/1001". */
function quotient(text: unknown): number | undefined {
  const [over, under = "1"] = String(text ?? "").split("/");
  return text === undefined ? undefined : Number(over) / Number(under);
}

async function compareFrames(golden: Golden, clip: VideoSource): Promise<void> {
  const list = golden.parts("frames") ?? [];
  if (golden.has("frames") && list.length !== clip.count)
    golden.wrong("frames", `${clip.count} frames, published as ${list.length}`);
  // A container may begin its clip at another time than 0; of a single frame that cannot be told from an error.
  const times = clip.fileTimes ?? clip.timestamps;
  const later = list.length > 1 && list[0]!.has("pts_s") ? Number(list[0]!.input("pts_s")) - (times[0] ?? 0) : 0;
  let at = 0;
  for await (const frame of clip.frames()) {
    const entry = list[at];
    if (entry?.has("pts_s")) comparePlace(entry, later + (times[at] ?? Number.NaN));
    if (entry?.has("rgb_mean")) compareMeans(entry, frame);
    at++;
  }
  if (at !== clip.count) golden.wrong("frames", `${at} come, ${clip.count} were announced`);
  await comparePlanes(golden, list, clip);
}

function comparePlace(entry: Golden, found: number): void {
  const wanted = entry.input("pts_s");
  if (!(typeof wanted === "number" && Math.abs(wanted - found) <= TIME))
    entry.wrong("pts_s", `is ${found}, published as ${wanted}`);
}

function compareMeans(entry: Golden, { data }: RgbImage): void {
  const sums = [0, 0, 0];
  for (let i = 0; i < data.length; i++) sums[i % 3]! += data[i]!;
  const wanted = [entry.input("rgb_mean")].flat();
  sums.forEach((sum, c) => {
    const mean = (3 * sum) / data.length;
    const other = wanted[c];
    if (!(typeof other === "number" && Math.abs(mean - other) <= MEAN))
      entry.wrong("rgb_mean", `is ${mean} in channel ${c}, published as ${other}`);
  });
}

/**
 * The planes as they were decoded. Where decoders may differ, hashes of all frames or of none are ours: if all but one are, it
 * is the same decoder, and that frame is not what was published. Frames that are made from others drift apart one by one.
 */
async function comparePlanes(golden: Golden, list: readonly Golden[], clip: VideoSource): Promise<void> {
  // They are there for frames that are no planes too; nothing is then left to compare them with.
  golden.remarks("color_range", "colorspace");
  if (!list.some((entry) => entry.has("i420_sha256"))) return;
  const found: (string | undefined)[] = [];
  for await (const frame of clip.planes?.() ?? []) {
    if (found.length === 0) compareColours(golden, frame);
    found.push(sha256(frame.data));
  }
  const same = list.filter((entry, i) => entry.input("i420_sha256") === found[i]).length;
  if (!EXACT.includes(clip.codec) && (same === 0 || (clip.codec !== "mjpeg" && same < list.length - 1))) return;
  for (const [i, entry] of list.entries()) entry.equal("i420_sha256", found[i]);
}

/** What turns the planes into red, green and blue. */
function compareColours(golden: Golden, { matrix, fullRange }: YuvFrame): void {
  if (golden.has("colorspace") && MATRICES.get(golden.input("colorspace")) !== matrix)
    golden.wrong("colorspace", `the matrix is ${matrix}`);
  if (golden.has("color_range") && FULL_RANGE.get(golden.input("color_range")) !== fullRange)
    golden.wrong("color_range", `the range is ${fullRange ? "full" : "limited"}`);
}
