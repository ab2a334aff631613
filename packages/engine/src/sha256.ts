const subtleCrypto = (): SubtleCrypto | undefined => globalThis.crypto?.subtle;

/** Whether there is SHA-256 here: a page that was not loaded over https has none. */
export const hasSha256 = (): boolean => subtleCrypto() !== undefined;

/** @returns 32 bytes */
export async function sha256(data: Uint8Array): Promise<Uint8Array> {
  // Shared memory is copied: it cannot be hashed in place.
  const bytes = data.buffer instanceof ArrayBuffer ? (data as Uint8Array<ArrayBuffer>) : data.slice();
  return new Uint8Array(await subtleCrypto()!.digest("SHA-256", bytes));
}

export const hex = (bytes: Uint8Array): string => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
