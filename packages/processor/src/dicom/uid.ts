/**
 * A short hash by which a report can tell UIDs apart without showing them: 12 hexadecimal digits of SHA-256. It hides a
 * UID from reading, not from someone who has the UID and looks for it.
 */
export async function uidHash(uid: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(uid)));
  return Array.from(digest.subarray(0, 6), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
