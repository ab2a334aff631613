/** What readers are told. An input of at most a megabyte has no business beyond {@link MOST_MEGABYTES} with these. */
export const MAX_PIXELS = 2 ** 20;
export const MAX_FRAMES = 64;
export const MAX_BYTES = 2 ** 23;

/** More resident memory than before the input, one array, or one memory of WebAssembly. */
export const MOST_MEGABYTES = 256;
