/**
 * Reading and writing safetensors (https://huggingface.co/docs/safetensors): files, Blobs, HTTP by ranges, memory, and
 * checkpoints of many shards. No dependencies; the same module runs in Node and in browsers.
 */
export { type Checkpoint, type CheckpointSource, openCheckpoint } from "./checkpoint.js";
export { type TypedArrays, toFloat32, toTypedArray } from "./decode.js";
export { bytesPerElement, isStoredDType, STORED_DTYPES, type StoredDType } from "./dtype.js";
export { SafetensorsError, type SafetensorsErrorCode, type Where } from "./error.js";
export type { Metadata, TensorSpec } from "./layout.js";
export { type OpenOptions, open, type Source } from "./open.js";
export type { Location, ReadOptions, TensorSource } from "./reader.js";
export { type MemoryTensor, type SerializeOptions, serialize } from "./serialize.js";
export type { ByteSource } from "./source.js";
export type { HttpOptions } from "./source-http.js";
export { type TensorChunks, type TensorInput, type TensorInputs, type WriteOptions, write } from "./writer.js";
export { type CheckpointOptions, writeCheckpoint } from "./writer-checkpoint.js";
