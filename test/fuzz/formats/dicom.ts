import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { Inner } from "../format.js";
import { ascii, join, type Layout, LayoutMaker, type NumberType, packed } from "../layout.js";
import { codestreamLayout } from "./codestream.js";
import { LONG } from "./dicom-write.js";

/** VRs of what an implicit file does not tell. */
const VRS = new Map([
  [0x00180050, "DS"],
  [0x00181063, "DS"],
  [0x00181065, "DS"],
  [0x00200013, "IS"],
  [0x00200032, "DS"],
  [0x00200037, "DS"],
  [0x00280002, "US"],
  [0x00280006, "US"],
  [0x00280008, "IS"],
  [0x00280010, "US"],
  [0x00280011, "US"],
  [0x00280030, "DS"],
  [0x00280100, "US"],
  [0x00280101, "US"],
  [0x00280102, "US"],
  [0x00280103, "US"],
  [0x00281050, "DS"],
  [0x00281051, "DS"],
  [0x00281052, "DS"],
  [0x00281053, "DS"],
  [0x00281101, "US"],
  [0x00281102, "US"],
  [0x00281103, "US"],
  [0x00283002, "US"],
  [0x00283000, "SQ"],
  [0x00283010, "SQ"],
  [0x52009229, "SQ"],
  [0x52009230, "SQ"],
]);
const TYPES = new Map<string, NumberType>([
  ["US", "u16"],
  ["SS", "u16"],
  ["UL", "u32"],
  ["SL", "u32"],
  ["FL", "f32"],
  ["FD", "f64"],
  ["AT", "u16"],
]);
const TEXTS = new Set(["DS", "IS", "CS", "UI"]);
const OPEN = 0xffffffff;
const PIXELS = 0x7fe00010;

interface Head {
  readonly tag: number;
  readonly vr: string;
  readonly at: number;
  readonly length: number;
  readonly lengthAt: number;
  readonly lengthType: NumberType;
}

interface Fragment {
  readonly from: number;
  readonly to: number;
}

/** What is found of a file while its elements are walked. */
interface Found {
  uid: string;
  /** Where the data set begins. */
  data: number;
  fragments: Fragment[];
  /** The pixels' element, from its value on. */
  pixels: Fragment | undefined;
}

class Walker {
  readonly found: Found = { uid: "", data: 0, fragments: [], pixels: undefined };
  constructor(
    readonly made: LayoutMaker,
    readonly explicit: boolean,
    readonly little: boolean,
  ) {}

  head(at: number): Head {
    const { view, bytes } = this.made;
    const tag = view.getUint16(at, this.little) * 65536 + view.getUint16(at + 2, this.little);
    if (!this.explicit || tag >= 0xfffe0000)
      return {
        tag,
        vr: VRS.get(tag) ?? "UN",
        at: at + 8,
        length: view.getUint32(at + 4, this.little),
        lengthAt: at + 4,
        lengthType: "u32",
      };
    const vr = ascii(bytes, at + 4, 2);
    if (LONG.has(vr))
      return { tag, vr, at: at + 12, length: view.getUint32(at + 8, this.little), lengthAt: at + 8, lengthType: "u32" };
    return { tag, vr, at: at + 8, length: view.getUint16(at + 6, this.little), lengthAt: at + 6, lengthType: "u16" };
  }

  /** @returns where the elements end: at `to`, or behind the delimiter */
  elements(from: number, to: number, delimiter: number, stop: (tag: number) => boolean = () => false): number {
    for (let at = from; at < to; ) {
      const head = this.head(at);
      if (stop(head.tag)) return at;
      if (head.tag === delimiter) return head.at;
      const end = this.element(at, head, to);
      this.made.piece(`(${(head.tag >>> 16).toString(16)},${(head.tag & 0xffff).toString(16)})`, at, Math.min(end, to));
      at = end;
    }
    return to;
  }

  element(from: number, head: Head, to: number): number {
    const { made, little } = this;
    const { tag, vr, at, length } = head;
    const group = Math.floor(tag / 65536);
    // What says how pixels are read is worth more than a name.
    for (let times = [0x28, 0x7fe0, 0x5200].includes(group) ? 3 : 1; times > 0; times--) {
      made.place("group", from, "u16", little);
      made.place("element", from + 2, "u16", little);
      if (this.explicit) made.place("VR", from + 4, "u16", little);
      made.place("length", head.lengthAt, head.lengthType, little);
      this.value(head);
    }
    if (tag === 0x00020010) this.found.uid = ascii(made.bytes, at, length).replace(/\0/g, "");
    if (tag === PIXELS) {
      const end = length === OPEN ? this.pieces(at, to) : at + length;
      this.found.pixels = { from: at, to: Math.min(end, to) };
      return end;
    }
    if (vr === "SQ" || length === OPEN) return this.items(at, length === OPEN ? to : Math.min(at + length, to));
    return at + length;
  }

  value({ vr, at, length }: Head): void {
    const type = TYPES.get(vr);
    const what = `value ${vr}`;
    if (type !== undefined)
      for (let i = 0; i < Math.min(length, 32); i += type === "u16" ? 2 : 4)
        this.made.place(what, at + i, type, this.little);
    else if (TEXTS.has(vr)) this.made.text(what, at, length);
  }

  items(from: number, to: number): number {
    for (let at = from; at < to; ) {
      const head = this.head(at);
      this.made.place("item length", head.lengthAt, "u32", this.little);
      if (head.tag === 0xfffee0dd) return head.at;
      const end = this.elements(head.at, head.length === OPEN ? to : Math.min(to, head.at + head.length), 0xfffee00d);
      this.made.piece("item", at, end);
      at = end;
    }
    return to;
  }

  /** The fragments of encapsulated pixels. */
  pieces(from: number, to: number): number {
    for (let at = from; at < to; ) {
      const head = this.head(at);
      this.made.place("fragment length", head.lengthAt, "u32", this.little);
      if (head.tag === 0xfffee0dd) return head.at;
      const end = head.at + head.length;
      this.made.piece("fragment", at, end);
      if (at === from)
        for (let i = 0; i < Math.min(head.length, 32); i += 4)
          this.made.place("offset", head.at + i, "u32", this.little);
      this.found.fragments.push({ from: head.at, to: Math.min(end, to) });
      at = end;
    }
    return to;
  }
}

function walk(bytes: Uint8Array): { readonly layout: Layout; readonly found: Found } {
  const made = new LayoutMaker(bytes, true);
  const meta = new Walker(made, true, true);
  let { found } = meta;
  try {
    found.data = meta.elements(132, bytes.length, 0, (tag) => tag >= 0x00030000 || tag < 0x00020000);
    if (!found.uid.endsWith(".99")) {
      const data = new Walker(made, found.uid !== "1.2.840.10008.1.2", found.uid !== "1.2.840.10008.1.2.2");
      found = Object.assign(data.found, { uid: found.uid, data: found.data });
      data.elements(found.data, bytes.length, 0);
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return { layout: made, found };
}

/** Source: DICOM PS3.5 7, PS3.10 7. */
export const dicomLayout = (bytes: Uint8Array): Layout => walk(bytes).layout;

/** A data set that is deflated, or the compressed frames. */
export function dicomInner(bytes: Uint8Array): readonly Inner[] {
  const { found } = walk(bytes);
  if (found.uid.endsWith(".99")) return deflated(bytes, found.data);
  const { fragments, pixels } = found;
  if (pixels === undefined) return [];
  const parts = fragments.map(({ from, to }) => bytes.subarray(from, to));
  return parts.slice(1).map((content) => ({
    what: "a frame",
    content,
    layout: (frame) => codestreamLayout(frame, found.uid),
    close: (frame) => {
      const even = frame.length % 2 === 0 ? frame : join(frame, new Uint8Array(1));
      const all = parts.map((part) => (part === content ? even : part));
      return join(bytes.subarray(0, pixels.from), encapsulate(all), bytes.subarray(pixels.to));
    },
  }));
}

/** With the offset table as it would be, where there was one for as many frames. */
function encapsulate([table, ...frames]: readonly Uint8Array[]): Uint8Array {
  let at = 0;
  const offsets = frames.flatMap((frame) => {
    const here = at;
    at += 8 + frame.length;
    return ["u32" as const, here];
  });
  const first = table?.length === frames.length * 4 ? packed(true, ...offsets) : (table ?? new Uint8Array());
  const items = [first, ...frames].map((part) =>
    join(packed(true, "u16", 0xfffe, "u16", 0xe000, "u32", part.length), part),
  );
  return join(...items, packed(true, "u16", 0xfffe, "u16", 0xe0dd, "u32", 0));
}

function deflated(bytes: Uint8Array, at: number): readonly Inner[] {
  try {
    const content = new Uint8Array(inflateRawSync(bytes.subarray(at), { maxOutputLength: 2 ** 20 }));
    const layout = (data: Uint8Array) => {
      const made = new LayoutMaker(data, true);
      try {
        new Walker(made, true, true).elements(0, data.length, 0);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
      return made;
    };
    return [
      {
        what: "inflated",
        content,
        layout,
        close: (data) => join(bytes.subarray(0, at), new Uint8Array(deflateRawSync(data))),
      },
    ];
  } catch {
    return [];
  }
}
