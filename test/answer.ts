import type { ChildProcess, Serializable } from "node:child_process";
import { once } from "node:events";

/** What a child process says to a message; undefined if it dies, or says nothing in so many seconds. */
export async function answerOf<T>(child: ChildProcess, message: Serializable, seconds: number): Promise<T | undefined> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), seconds * 1000);
  const { signal } = stop;
  const heard = once(child, "message", { signal }).then(([answer]) => answer as T);
  const died = once(child, "exit", { signal }).then(() => undefined);
  child.send(message);
  try {
    return await Promise.race([heard, died]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
    stop.abort();
    await Promise.allSettled([heard, died]);
  }
}
