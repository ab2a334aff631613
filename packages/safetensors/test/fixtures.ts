import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, onTestFinished } from "vitest";
import { bytesPerElement, type MemoryTensor, SafetensorsError, STORED_DTYPES } from "../src/index.js";

/** A folder that is gone after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "safetensors-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A server that is gone after the test; gives its address, ending in a slash. */
export async function temporaryServer(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** A file with any header text, well-formed or not, and data. */
export function fileOf(header: string | Uint8Array, data: Uint8Array | number = 0, length?: bigint): Uint8Array {
  const text = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const body = typeof data === "number" ? new Uint8Array(data) : data;
  const file = new Uint8Array(8 + text.byteLength + body.byteLength);
  new DataView(file.buffer).setBigUint64(0, length ?? BigInt(text.byteLength), true);
  file.set(text, 8);
  file.set(body, 8 + text.byteLength);
  return file;
}

/** The error that a call throws or rejects with: it must be of this package. */
export async function failureOf(call: () => unknown): Promise<SafetensorsError> {
  try {
    await call();
  } catch (error) {
    expect(error).toBeInstanceOf(SafetensorsError);
    return error as SafetensorsError;
  }
  throw new Error("the call did not fail");
}

export async function codeOf(call: () => unknown): Promise<string> {
  return (await failureOf(call)).code;
}

/** Names that have caught out other programs, beside ordinary ones. */
const name = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.constantFrom("__proto__", "constructor", "toString", "0", "", 'a"b\\c', "\u{1f600}", "\ufffd", "a/b", "\n"),
);

/** Any tensor of up to a few hundred bytes: every dtype, scalars and sizes of 0 among them, any bits. */
const tensor: fc.Arbitrary<MemoryTensor> = fc
  .record({ name, dtype: fc.constantFrom(...STORED_DTYPES), shape: fc.array(fc.nat(4), { maxLength: 4 }) })
  .chain(({ name, dtype, shape }) => {
    const length = shape.reduce((product, size) => product * size, bytesPerElement(dtype));
    return fc.uint8Array({ minLength: length, maxLength: length }).map((data) => ({ name, dtype, shape, data }));
  });

export const tensorList = fc.uniqueArray(tensor, { selector: (t) => t.name, maxLength: 8 });

export const metadata = fc
  .array(fc.tuple(name, fc.string({ unit: "grapheme", maxLength: 12 })), { maxLength: 4 })
  .map((pairs) => new Map(pairs));

/** The bytes of a tensor's data. */
export function bytesOf({ data }: MemoryTensor): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
