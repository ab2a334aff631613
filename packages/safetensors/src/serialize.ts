import { fail } from "./error.js";
import { layOut, type Metadata, type TensorSpec } from "./layout.js";
import { allocate } from "./source.js";

/** A tensor whose data are at hand: little-endian, row-major, as the dtype stores them. */
export interface MemoryTensor extends TensorSpec {
  readonly data: ArrayBufferView;
}

/** What a writer can be told about the file as a whole. */
export interface SerializeOptions {
  readonly metadata?: Metadata;
}

/**
 * A safetensors file in memory. Throws what laying it out throws, and `byte-length` where data do not have the bytes
 * that dtype and shape need.
 */
export function serialize(tensors: Iterable<MemoryTensor>, options: SerializeOptions = {}): Uint8Array {
  const { header, order, fileBytes } = layOut([...tensors], options.metadata);
  for (const { tensor, bytes } of order) {
    const { name, data } = tensor;
    if (data.byteLength !== bytes)
      fail("byte-length", { tensor: name }, `${data.byteLength} bytes of data`, `${bytes}`);
  }
  const file = allocate(fileBytes, {});
  file.set(header);
  let offset = header.byteLength;
  for (const { tensor, bytes } of order) {
    file.set(bytesOf(tensor.data), offset);
    offset += bytes;
  }
  return file;
}

/** The bytes of any typed array or DataView, shared. */
export function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
