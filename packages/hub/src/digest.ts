import { SourceError } from "./error.js";
import type { Digest } from "./plan.js";

/** SHA-256 of a text in hex, with what pages have too. */
export const sha256 = async (text: string): Promise<string> =>
  hex(await subtle().digest("SHA-256", new TextEncoder().encode(text)));

/** What the Hub lists of these bytes, in hex: the SHA-256, or git's hash, which is over the kind and the length as well. */
export async function digestOf(bytes: Uint8Array<ArrayBuffer>, kind: Digest["kind"]): Promise<string> {
  if (kind === "sha256") return hex(await subtle().digest("SHA-256", bytes));
  const head = new TextEncoder().encode(`blob ${bytes.byteLength}\0`);
  const whole = new Uint8Array(head.byteLength + bytes.byteLength);
  whole.set(head);
  whole.set(bytes, head.byteLength);
  return hex(await subtle().digest("SHA-1", whole));
}

/** @throws SourceError `insecure`: a page that was not loaded over https has none of it */
function subtle(): SubtleCrypto {
  const found: SubtleCrypto | undefined = globalThis.crypto?.subtle;
  if (found !== undefined) return found;
  throw new SourceError(
    "insecure",
    "this page was not loaded over https and has no SHA-256 to tell files by; load it over https, or from localhost",
  );
}

const hex = (bytes: ArrayBuffer): string =>
  [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
