import type { RescaleUsed } from "../dicom/modality.js";
import type { WindowChoice, WindowUsed } from "../dicom/window.js";
import type { Grey16Rule } from "../image/decoder.js";
import type { SeriesWindowUsed } from "../series/source.js";
import type { SamplingOptions, VideoOptions } from "../video/source.js";
import type { SliceRule } from "../volume/slices.js";
import type { Axis } from "../volume/volume.js";
import type { FileInput } from "./file.js";
import type { InputFormat } from "./format.js";
import type { FrameSource } from "./frame-source.js";
import type { InputLimits } from "./limits.js";
import type { InputWarning } from "./warning.js";

/** What can be opened: a file, a folder's path (Node), or the files of a series or of a pair. */
export type InputFiles = FileInput | readonly FileInput[];

/** How an input is read. What does not apply to what the file turns out to be is left alone. */
export interface OpenOptions extends Omit<SamplingOptions, "rule"> {
  /**
   * What it is to be shown as. Default: what it is. A GIF and a DICOM file of several frames are a clip, or with `"image"`
   * their first frame; frames with places in the patient are a volume.
   */
  readonly as?: FrameSource["kind"] | undefined;
  readonly limits?: InputLimits | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Pictures of 16-bit grey; see `decodeImage`. */
  readonly grey16?: Grey16Rule | undefined;

  /**
   * How grey values become brightness. DICOM: a CT preset by name, a window, `"file"` (the default), `"min-max"`. NIfTI: a
   * window or a preset; `"min-max"` (the default) of each slice, as upstream. A series also takes `"slice-min-max"`.
   */
  readonly window?: WindowChoice | "slice-min-max" | undefined;
  /** Which frame of a DICOM file is shown as a picture, from 0. */
  readonly frame?: number | undefined;

  /** Volumes: across which axis. Default `"axial"`. */
  readonly axis?: Axis | undefined;
  /** Whose rule picks slices (default `"hf"`) and limits a clip's frames (default `"repository"`). */
  readonly rule?: SliceRule | undefined;
  /** Slices wanted. */
  readonly numSlices?: number | null | undefined;
  /** How slices lie. NIfTI: `"upstream"` (default) or `"radiological"`; series: `"stored"` (default) or `"upstream"`. */
  readonly view?: "upstream" | "radiological" | "stored" | undefined;
  /** Which volume of a 4D file or series, from 0. */
  readonly volumeIndex?: number | undefined;
  /** NIfTI: axes exchanged and turned to RAS. */
  readonly reorient?: "RAS" | undefined;
  /** Which series of a folder, the largest (0) by default. */
  readonly series?: number | undefined;

  readonly ffmpeg?: string | undefined;
  readonly gifTimes?: VideoOptions["gifTimes"] | undefined;
  readonly damage?: VideoOptions["damage"] | undefined;
}

/** What is known of an input, all of it fit to be shown: numbers and words of the standard, nothing that names a patient. */
export interface InputFacts {
  readonly width: number;
  readonly height: number;
  /** Frames or slices that it has. */
  readonly frames: number;
  /** Which of them are shown, where that is not all. */
  readonly indices?: readonly number[];
  readonly modality?: string;
  readonly transferSyntax?: string;
  readonly photometric?: string;
  /** Of a stored sample. */
  readonly bits?: number;
  /** mm along columns, rows and slices. */
  readonly spacing?: readonly number[];
  /** Where the volume's axes point: "LPS". */
  readonly axcodes?: string;
  /** Volumes of a 4D file or series. */
  readonly volumes?: number;
  /** A hash of the series' UID: the same for all its files, and not to be turned back by who does not have it. */
  readonly series?: string;
  readonly seconds?: number;
  readonly fps?: number;
  readonly codec?: string;
  /** What the values were seen through; undefined for colour. Of several frames, the first's. */
  readonly window?: WindowUsed | SeriesWindowUsed;
  readonly rescale?: RescaleUsed;
}

/** An input, its frames not yet decoded. */
export interface OpenedInput {
  readonly format: InputFormat | "dicom-series" | "frames";
  /** What the model is shown. */
  readonly source: FrameSource;
  readonly warnings: readonly InputWarning[];
  /** What it is and how it is shown; of DICOM this decodes a frame. */
  facts(): Promise<InputFacts>;
}
