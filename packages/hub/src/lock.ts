import { filing, node, orAbsent, systemCode } from "./node.js";
import { wait } from "./retry.js";

/** Milliseconds between signs of life, and those without one after which a lock counts as left behind. */
export interface LockTiming {
  readonly beat: number;
  readonly stale: number;
  readonly poll: number;
}
export const LOCK_TIMING: LockTiming = { beat: 2_000, stale: 30_000, poll: 200 };

/**
 * Do a piece of work that other processes may be doing too: whoever makes the lock file does it, the others wait for
 * the result. A lock is given up for lost when its process is no longer there (on this machine), or when it gave no
 * sign of life for so long, by the waiter's own clock. That can be wrong, about a machine that slept or a process of
 * another container, so a lock only saves work: two who work at once must not harm each other.
 * @param done the result, once it is there
 */
export async function locked<T>(
  path: string,
  done: () => Promise<T | undefined>,
  work: () => Promise<T>,
  signal: AbortSignal | undefined,
  timing: LockTiming = LOCK_TIMING,
): Promise<T> {
  const watch = new Watch(path, timing.stale);
  for (;;) {
    signal?.throwIfAborted();
    const result = await done();
    if (result !== undefined) return result;
    const release = await take(path, timing.beat);
    if (release === undefined) {
      if (await watch.isLeftBehind()) await remove(path);
      else await wait(timing.poll, signal);
      continue;
    }
    try {
      // It may have been done between the look and the lock.
      return (await done()) ?? (await work());
    } finally {
      await release();
    }
  }
}

/** Makes the lock file and keeps it fresh. @returns what removes it; undefined where another has it */
async function take(path: string, beat: number): Promise<(() => Promise<void>) | undefined> {
  const { fs, os } = await node();
  const owner = JSON.stringify({ pid: process.pid, host: os.hostname(), id: globalThis.crypto.randomUUID() });
  try {
    await fs.writeFile(path, owner, { flag: "wx" });
  } catch (error) {
    if (systemCode(error) === "EEXIST") return undefined;
    return filing(path, () => Promise.reject(error));
  }
  const timer = setInterval(() => {
    const now = new Date();
    void fs.utimes(path, now, now).catch(() => undefined);
  }, beat);
  timer.unref();
  return async () => {
    clearInterval(timer);
    const there = await fs.readFile(path, "utf8").catch(() => undefined);
    if (there === owner) await remove(path);
  };
}

async function remove(path: string): Promise<void> {
  const { fs } = await node();
  await filing(path, () => fs.rm(path, { force: true }));
}

/** Looks at another's lock again and again. */
class Watch {
  #changed = Number.NaN;
  #since = 0;
  constructor(
    readonly path: string,
    readonly stale: number,
  ) {}

  async isLeftBehind(): Promise<boolean> {
    const { fs } = await node();
    const stat = await filing(this.path, () => orAbsent(fs.stat(this.path)));
    if (stat === undefined) return false;
    if (stat.mtimeMs !== this.#changed) {
      this.#changed = stat.mtimeMs;
      this.#since = performance.now();
    }
    return performance.now() - this.#since >= this.stale || (await this.#ownerIsGone());
  }

  async #ownerIsGone(): Promise<boolean> {
    const { fs, os } = await node();
    try {
      const { pid, host } = JSON.parse(await fs.readFile(this.path, "utf8"));
      if (host !== os.hostname() || !Number.isSafeInteger(pid) || pid <= 0) return false;
      process.kill(pid, 0);
      return false;
    } catch (error) {
      // Not yet written, or gone: only "no such process" says anything.
      return systemCode(error) === "ESRCH";
    }
  }
}
