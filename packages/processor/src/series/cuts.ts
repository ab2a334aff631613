import { turned } from "../volume/reorient.js";
import { type Layout, sliceLayout } from "../volume/slices.js";
import type { Plane, Volume } from "../volume/volume.js";
import { stackGeometry } from "./geometry.js";
import type { Stack } from "./order.js";
import { isGrey, type Open, stackVolume } from "./volume.js";

/** A slice before it is seen through a window; of `painted` ones the values are RGB already. */
export interface Cut {
  readonly plane: Plane;
  readonly painted: boolean;
}

/** Slices across an axis. */
export interface Cuts {
  readonly width: number;
  readonly height: number;
  /** Begins to read: what it gives reads one slice. */
  begin(signal?: AbortSignal): Promise<(index: number) => Promise<Cut>>;
}

export type SeriesView = "stored" | "upstream";

/** Acquired slices, each read from its file. @param lut of the VOI LUT that they are seen through, if it is one */
export function acquiredCuts(stack: Stack, open: () => Open, view: SeriesView, lut: number | undefined): Cuts {
  const { rows, columns } = stack.slices[0]!.header;
  const transpose = view === "upstream";
  const [width, height] = transpose ? [rows, columns] : [columns, rows];
  const painted = lut !== undefined || !isGrey(stack.slices[0]!);
  return {
    width,
    height,
    begin: async () => {
      const opened = open();
      return async (index) => {
        const slice = stack.slices[index]!;
        const image = await opened(slice);
        const values = painted
          ? Float64Array.from(await rgbOf(image.picture(slice.frame, lut === undefined ? {} : { window: { lut } })))
          : await image.values(slice.frame);
        const plane = { rows, cols: columns, values };
        return { plane: turned(plane, painted ? 3 : 1, { transpose, flipRows: false, flipCols: false }), painted };
      };
    },
  };
}

const rgbOf = async (picture: Promise<{ readonly image: { readonly data: Uint8Array } }>) => (await picture).image.data;

/** Slices across another axis, cut out of the whole volume, which is kept for the next reading. */
export function reformattedCuts(
  stack: Stack,
  open: () => Open,
  view: SeriesView,
  axis: 0 | 1,
  limits: { readonly maxBytes: number },
): Cuts {
  const { rows, columns } = stack.slices[0]!.header;
  const place = { shape: [columns, rows, stack.slices.length] as const, geometry: stackGeometry(stack) };
  const layout = reformattedLayout(place, axis, view);
  let kept: Volume | undefined;
  return {
    width: layout.width,
    height: layout.height,
    begin: async (signal) => {
      const volume = kept ?? (await stackVolume(stack, open(), limits, signal));
      kept = volume;
      return async (index) => ({
        plane: turned(volume.plane(axis, index), volume.channels, layout),
        painted: volume.channels === 3,
      });
    },
  };
}

/** Without positions nobody knows where the head is; the slices are at least the rows of the picture. */
function reformattedLayout(place: Pick<Volume, "shape" | "geometry">, axis: 0 | 1, view: SeriesView): Layout {
  if (view === "upstream") return sliceLayout(place, axis);
  if (place.geometry !== undefined) return sliceLayout(place, axis, "radiological");
  const { width, height, ...upstream } = sliceLayout(place, axis);
  return { ...upstream, width: height, height: width, transpose: true };
}
