import type { PreviewFrame } from "@hulu/engine";
import type { RgbImage } from "@hulu/processor";
import { drawText, TEXT_HEIGHT, textWidth } from "./font.js";

/** What the frames of one input are going to look like, known before the first is decoded. */
export interface Strip {
  /** Written above them. */
  readonly title: string;
  /** Frames there are. */
  readonly count: number;
  /** Pixels of a frame as it is sent. */
  readonly width: number;
  readonly height: number;
  /** Tokens of a row, and the side of a token in pixels. */
  readonly across: number;
  readonly side: number;
}

type Colour = readonly [number, number, number];
const GROUND: Colour = [24, 24, 32];
const INK: Colour = [235, 235, 235];
const CROSS: Colour = [230, 60, 60];
/** What a pruned token keeps of its brightness. */
const DIM = 0.35;
const GAP = 6;
const LABEL = TEXT_HEIGHT + 4;

/** Pixels of the whole sheet: a picture that programs still open. */
const MAX_SHEET = 24_000_000;
/** Pixels of a row, unless one frame is wider. */
const WIDEST = 2400;

/** Where one input's frames stand. */
interface Block {
  readonly strip: Strip;
  readonly top: number;
  readonly columns: number;
  /** Pixels from one frame to the next, across. */
  readonly pitch: number;
  /** Which frames are shown, ascending. */
  readonly shown: readonly number[];
}

/**
 * A contact sheet: the frames of each input in rows, at the size that the model gets, a number above each. Of too many the
 * sheet shows some that are evenly spread, and says how many it leaves out.
 */
export class Sheet {
  readonly #blocks: readonly Block[];
  readonly #image: RgbImage;

  constructor(strips: readonly Strip[], most: number = MAX_SHEET) {
    const blocks: Block[] = [];
    let [top, width] = [GAP, 0];
    for (const strip of strips) {
      const pitch = Math.max(strip.width, textWidth(LONGEST_LABEL)) + GAP;
      const columns = Math.max(1, Math.min(strip.count, Math.floor((WIDEST - GAP) / pitch)));
      const room = Math.floor(most / strips.length / ((columns * pitch + GAP) * rowHeight(strip)));
      const shown = spread(strip.count, Math.max(1, room) * columns);
      const block = { strip, top, columns: Math.min(columns, shown.length), pitch, shown };
      blocks.push(block);
      top += 2 * LABEL + Math.ceil(shown.length / block.columns) * rowHeight(strip);
      width = Math.max(width, GAP + block.columns * pitch, 2 * GAP + textWidth(titleOf(block)));
    }
    this.#blocks = blocks;
    const data = new Uint8Array(width * top * 3);
    for (let i = 0; i < data.length; i++) data[i] = GROUND[i % 3]!;
    this.#image = { data, width, height: top };
    for (const block of blocks) this.#write(titleOf(block), GAP, block.top);
  }

  /** Frames that are shown of an input, ascending. */
  shown(input: number): readonly number[] {
    return this.#blocks[input]!.shown;
  }

  /** Put a frame of an input in its place, where it is shown. @param time seconds, where it has one */
  add(input: number, { index, image, keep }: PreviewFrame, time: number | undefined): void {
    const { strip, top, columns, pitch, shown } = this.#blocks[input]!;
    const at = shown.indexOf(index);
    if (at < 0) return;
    const x = GAP + (at % columns) * pitch;
    const y = top + 2 * LABEL + Math.floor(at / columns) * rowHeight(strip);
    this.#write(labelOf(index, keep, time), x, y - LABEL);
    const { data, width } = this.#image;
    for (let row = 0; row < image.height; row++)
      data.set(image.data.subarray(row * image.width * 3, (row + 1) * image.width * 3), ((y + row) * width + x) * 3);
    keep?.forEach((kept, token) => {
      if (kept) return;
      const [across, down] = [token % strip.across, Math.floor(token / strip.across)];
      this.#cross(x + across * strip.side, y + down * strip.side, strip.side);
    });
  }

  get image(): RgbImage {
    return this.#image;
  }

  /** A token that is pruned: dimmed, with a stroke across, so that it shows in what is black too. */
  #cross(x: number, y: number, side: number): void {
    const { data, width } = this.#image;
    for (let row = 0; row < side; row++) {
      const line = ((y + row) * width + x) * 3;
      for (let i = line; i < line + side * 3; i++) data[i] = data[i]! * DIM;
      this.#put(x + row, y + row, CROSS);
    }
  }

  #write(text: string, x: number, y: number): void {
    drawText(text, x, y, (px, py) => this.#put(px, py, INK));
  }

  #put(x: number, y: number, colour: Colour): void {
    const { data, width, height } = this.#image;
    if (x < width && y < height) data.set(colour, (y * width + x) * 3);
  }
}

const rowHeight = ({ height }: Strip): number => height + LABEL + GAP;

const LONGEST_LABEL = "#10000 1000.00s 9999/9999";

function labelOf(index: number, keep: Uint8Array | undefined, time: number | undefined): string {
  const kept = keep?.reduce((n, bit) => n + bit, 0) ?? 0;
  const tokens = keep === undefined ? "" : kept === keep.length ? ` ${kept}` : ` ${kept}/${keep.length}`;
  return `#${index}${time === undefined ? "" : ` ${time.toFixed(2)}s`}${tokens}`;
}

function titleOf({ strip, shown }: Pick<Block, "strip" | "shown">): string {
  const left = strip.count - shown.length;
  return left === 0 ? strip.title : `${strip.title}, ${left} left out`;
}

/** As many of `count` as there is room for, from the first to the last. */
function spread(count: number, room: number): readonly number[] {
  if (count <= room) return Array.from({ length: count }, (_, i) => i);
  if (room === 1) return [0];
  return Array.from({ length: room }, (_, i) => Math.floor((i * (count - 1)) / (room - 1)));
}
