import { type Axis, multiplySizes, type Size, type Value } from "@hulu/core";

/** How many elements these axes have together. */
export const product = (dims: readonly Axis[]): Size => multiplySizes(...dims.map((d) => d.size));

export const countOf = ({ dims }: Pick<Value, "dims">): Size => product(dims);

/** A value as a matrix: its last axis, and all others fused. */
export const rowsOf = ({ dims }: Pick<Value, "dims">): Size => product(dims.slice(0, -1));
export const widthOf = ({ dims }: Pick<Value, "dims">): Size => dims.at(-1)!.size;

/** How far apart the neighbours along each axis lie, row-major. */
export const stridesOf = (sizes: readonly Size[]): Size[] => sizes.map((_, i) => multiplySizes(...sizes.slice(i + 1)));
