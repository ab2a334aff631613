// Of GPUBufferUsage and GPUMapMode, which Node has no globals for.
export const MAP_READ = 1;
export const COPY_SRC = 4;
export const COPY_DST = 8;
export const UNIFORM = 64;
export const STORAGE = 128;
export const QUERY_RESOLVE = 512;
/** Of GPUMapMode. */
export const READ = 1;

/** Where a uniform block may begin, on every device. */
export const UNIFORM_STEP = 256;

/** The least that a buffer takes: one of no bytes could not be bound. */
const LEAST = 16;

/** The size of a `GPUBuffer` for so many bytes: whole words, and never nothing. */
export const gpuBytes = (bytes: number): number => Math.max(LEAST, Math.ceil(bytes / 4) * 4);
