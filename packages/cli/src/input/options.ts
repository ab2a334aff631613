import { CT_WINDOWS, type OpenOptions } from "@hulu/processor";
import { UsageError } from "../errors.js";
import { nearest, type Options, type Parsed } from "../options.js";

/** How inputs are read: of `ask` and `inspect`. */
export const inputOptions: Options = {
  window: {
    type: "string",
    value: "WINDOW",
    multiple: true,
    help: "of grey values: CENTER,WIDTH, lung, bone, soft-tissue, brain, mediastinum, min-max or file; of a picture several",
  },
  axis: { type: "string", value: "NAME", help: "of a volume: axial (default), coronal, sagittal" },
  slices: { type: "string", value: "N", help: "how many slices of a volume" },
  "slice-rule": { type: "string", value: "NAME", help: "hf (default) or repository" },
  "volume-index": { type: "string", value: "N", help: "which volume of a 4D file or series, from 0" },
  view: { type: "string", value: "NAME", help: "how slices lie: upstream, radiological (NIfTI), stored (DICOM)" },
  reorient: { type: "string", value: "RAS", help: "turn a NIfTI volume to the patient's axes" },
  series: { type: "string", value: "N", help: "which series of a folder, from 0, the largest (the default)" },
  frame: { type: "string", value: "N", help: "which frame of a DICOM file is shown as a picture, from 0" },
  fps: { type: "string", value: "F", help: "frames of a video per second" },
  "max-frames": { type: "string", value: "N", help: "the most frames of a video" },
  start: { type: "string", value: "SECONDS", help: "where the part of a video begins that is shown" },
  end: { type: "string", value: "SECONDS", help: "where it ends" },
};

type Window = NonNullable<OpenOptions["window"]>;

/** What the options say of reading, the windows apart. */
export interface ReadOptions extends Omit<OpenOptions, "window" | "as" | "signal" | "limits" | "ffmpeg"> {
  /** None, where none was asked for. */
  readonly windows: readonly Window[];
}

export const inputOptionsOf = (parsed: Parsed): ReadOptions => ({
  windows: parsed.texts("window").map(windowOf),
  axis: parsed.oneOf("axis", ["axial", "coronal", "sagittal"]),
  numSlices: parsed.count("slices"),
  rule: parsed.oneOf("slice-rule", ["hf", "repository"]),
  volumeIndex: parsed.count("volume-index", 0),
  view: parsed.oneOf("view", ["upstream", "radiological", "stored"]),
  reorient: parsed.oneOf("reorient", ["RAS"]),
  series: parsed.count("series", 0),
  frame: parsed.count("frame", 0),
  fps: parsed.number("fps", (f) => f > 0, "a number above 0"),
  maxFrames: parsed.count("max-frames"),
  start: parsed.number("start", (s) => s >= 0, "a number of at least 0"),
  end: parsed.number("end", (s) => s > 0, "a number above 0"),
});

/** The windows that have names, by the names of the command line. */
const NAMED: ReadonlyMap<string, Window> = new Map<string, Window>([
  ...(Object.keys(CT_WINDOWS) as (keyof typeof CT_WINDOWS)[]).map((name) => [name, name] as const),
  ["soft-tissue", "soft"],
  ["min-max", "min-max"],
  ["file", "file"],
]);

function windowOf(given: string): Window {
  const named = NAMED.get(given);
  if (named !== undefined) return named;
  const [center, width, ...more] = given.split(",").map((n) => (n.trim() === "" ? Number.NaN : Number(n)));
  if (center !== undefined && width !== undefined && more.length === 0 && Number.isFinite(center))
    if (Number.isFinite(width) && width > 0) return { center, width };
  const near = /^[a-z]/i.test(given) ? nearest(given, [...NAMED.keys()]) : undefined;
  const names = [...NAMED.keys()].filter((name) => name !== "soft").join(", ");
  throw new UsageError(
    `--window is "${given}"; it must be CENTER,WIDTH (two numbers, the width above 0), or one of ${names}${near === undefined ? "" : `; did you mean ${near}?`}`,
  );
}
