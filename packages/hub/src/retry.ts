import { TransientError } from "./error.js";
import type { Reach } from "./options.js";

/** The longest that is waited of one's own accord. */
const LONGEST_DELAY = 30_000;

/**
 * Run `attempt` again while it fails with what may pass, a bounded number of times in a row.
 * @param gained whether there was progress since it was last asked, after which the count begins anew
 */
export async function persist<T>(
  { patience, signal }: Reach,
  attempt: () => Promise<T>,
  gained: () => boolean = () => false,
): Promise<T> {
  for (let failures = 0; ; ) {
    try {
      signal?.throwIfAborted();
      return await attempt();
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof TransientError)) throw error;
      failures = gained() ? 1 : failures + 1;
      const { after = 0 } = error;
      if (failures >= patience.attempts || after > patience.longest) throw error;
      // Half of it by chance, so that many who were cut off together do not come back together.
      const delay = Math.min(LONGEST_DELAY, patience.delay * 2 ** (failures - 1)) * (0.5 + Math.random() / 2);
      await wait(Math.max(after, delay), signal);
    }
  }
}

/** Resolves after so many milliseconds; rejects with the signal's reason when that comes first. */
export function wait(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", abort, { once: true });
  });
}

/** Milliseconds that a Retry-After header asks for: seconds or a date (RFC 9110, section 10.2.3). */
export function retryAfter(header: string | null, now = Date.now()): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
