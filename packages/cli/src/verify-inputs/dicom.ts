import {
  CT_WINDOWS,
  type DicomImage,
  type DicomPicture,
  readDicom,
  scalePlane,
  type WindowChoice,
} from "@hulu/processor";
import type { Source } from "./check.js";
import { compareColour, type FrameOf } from "./dicom-colour.js";
import { compareFacts, compareHashes, compareLossy, sha256, Tally } from "./facts.js";
import type { Golden } from "./golden.js";
import { oddness } from "./oddness.js";
import { attribute, KEYWORDS, type StoredDicom, storedDicom } from "./stored-dicom.js";

/** Their files lose something. */
const LOSSY = ["50", "51", "81", "91"].map((end) => `1.2.840.10008.1.2.4.${end}`);
/** JPEG-LS near lossless: it may lose, but what it gives is exact by standard. */
const EXACT = "1.2.840.10008.1.2.4.81";

/** A DICOM file, held against what pydicom makes of it. */
export async function checkDicom({ bytes, golden }: Source): Promise<string | undefined> {
  const image = await readDicom(bytes);
  const stored = storedDicom(bytes);
  compareHeader(golden, image, stored);
  const lossy = golden.input("lossy_decode") === true && image.header.transferSyntax !== EXACT;
  const wanted = windowsOf(golden, image);
  const arrays = new Arrays(image, wanted, stored, golden);
  for (let frame = 0; frame < image.frames; frame++) await arrays.read(frame);
  arrays.compare(lossy);
  return oddness(image.warnings);
}

function compareHeader(golden: Golden, { header }: DicomImage, stored: StoredDicom): void {
  golden.equal("transfer_syntax", stored.transferSyntax);
  golden.equal("transfer_syntax_assumed", header.transferSyntax);
  golden.equal("lossy_decode", LOSSY.includes(header.transferSyntax));
  // Whether there is one; what else is said of it are remarks.
  for (const [name, there] of [
    ["modality_lut_sequence", header.modalityLut],
    ["voi_lut_sequence", header.voiLuts > 0],
  ] as const)
    if (golden.has(name) && Boolean(golden.input(name)) !== there) golden.wrong(name, `is ${there}`);
  for (const [keyword, where] of KEYWORDS) golden.equal(keyword, attribute(stored, where));
  // The library's own reading of them, where it keeps what is written.
  const { rows, columns, samples, bitsAllocated, photometric, modality, thickness } = header;
  golden.equal("Rows", rows);
  golden.equal("Columns", columns);
  golden.equal("SamplesPerPixel", samples);
  golden.equal("BitsAllocated", bitsAllocated);
  golden.equal("PhotometricInterpretation", photometric);
  golden.equal("Modality", modality);
  if (thickness !== undefined) golden.equal("SliceThickness", thickness);
}

/** A grey picture that is published: the field that says so, and the window that makes it. */
interface Wanted {
  readonly golden: Golden;
  readonly window: WindowChoice;
}

function windowsOf(golden: Golden, { header }: DicomImage): readonly Wanted[] {
  const wanted: Wanted[] = [];
  const window8 = golden.part("window8");
  if (window8 !== undefined) wanted.push({ golden: window8, window: "file" });
  const minmax8 = golden.part("minmax8");
  if (minmax8 !== undefined) wanted.push({ golden: minmax8, window: "min-max" });
  const presets = golden.part("presets8");
  for (const name of presets?.names() ?? []) {
    const preset = presets!.part(name)!;
    const known = new Map<string, WindowChoice>(Object.keys(CT_WINDOWS).map((key) => [key, key as "lung"])).get(name);
    const [center, width] = [Number(preset.input("center")), Number(preset.input("width"))];
    // By its name where it has one here, which goes with CT alone.
    const window = known !== undefined && header.modality === "CT" ? known : { center, width };
    wanted.push({ golden: preset, window });
  }
  return wanted;
}

/** All arrays that are published of a file, taken in frame by frame. */
class Arrays {
  readonly #image: DicomImage;
  readonly #wanted: readonly Wanted[];
  readonly #golden: Golden;
  readonly #stored = new Tally();
  readonly #values = new Tally();
  readonly #windows: readonly Tally[];
  readonly #used: (DicomPicture["window"] | undefined)[] = [];
  readonly #slices: string[] = [];
  readonly #colour: FrameOf;

  constructor(image: DicomImage, wanted: readonly Wanted[], file: StoredDicom, golden: Golden) {
    this.#image = image;
    this.#wanted = wanted;
    this.#golden = golden;
    this.#windows = wanted.map(() => new Tally());
    this.#colour = compareColour(golden, image, file);
  }

  async read(frame: number): Promise<void> {
    const image = this.#image;
    const stored = await image.stored(frame);
    this.#stored.add(stored.samples);
    if (this.#golden.has("rescaled") || this.#golden.has("frames_minmax8")) {
      const values = await image.values(frame);
      this.#values.add(values);
      // Each frame by itself, as slices of a volume are scaled.
      const { rows, columns: cols } = image.header;
      this.#slices.push(sha256(scalePlane({ rows, cols, values }, "repository")));
    }
    const choices = this.#wanted.map(({ window }) => window);
    const grey = image.header.photometric.startsWith("MONOCHROME");
    // A picture of each frame is made even where none is published: it is what the model would get.
    const pictures = await image.pictures(frame, grey && choices.length > 0 ? choices : ["file"]);
    if (!grey) this.#colour.add(stored, pictures[0]!.image);
    else if (choices.length > 0) for (const [i, picture] of pictures.entries()) this.#addGrey(picture, i);
  }

  #addGrey({ image: { data }, window }: DicomPicture, i: number): void {
    const grey = new Uint8Array(data.length / 3);
    for (let p = 0; p < grey.length; p++) {
      grey[p] = data[3 * p]!;
      if (grey[p] !== data[3 * p + 1] || grey[p] !== data[3 * p + 2]) this.#golden.wrong("picture", "it is not grey");
    }
    this.#windows[i]!.add(grey);
    this.#used[i] ??= window;
  }

  compare(lossy: boolean): void {
    const compare = lossy ? compareLossy : compareFacts;
    const { rows, columns, frames, samples } = this.#image.header;
    const shape = [...(frames > 1 ? [frames] : []), rows, columns];
    compare(this.#golden.part("stored"), this.#stored.facts(samples === 1 ? shape : [...shape, samples]));
    compare(this.#golden.part("rescaled"), this.#values.facts(shape));
    this.#wanted.forEach(({ golden, window }, i) => {
      compareWindow(golden, window, this.#used[i]);
      compare(golden, this.#windows[i]!.facts(shape));
    });
    compareHashes(this.#golden, "frames_minmax8", this.#slices, lossy);
    this.#colour.compare(lossy, shape);
  }
}

function compareWindow(golden: Golden, choice: WindowChoice, used: DicomPicture["window"]): void {
  if (choice === "min-max") return;
  const window = used !== undefined && "width" in used ? used : undefined;
  golden.equal("center", window?.center);
  golden.equal("width", window?.width);
  golden.equal("function", window?.function);
}
