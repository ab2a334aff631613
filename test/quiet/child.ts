import { fork } from "node:child_process";
import { once } from "node:events";

/** A process that answers each message with one. */
export interface Child {
  ask<T>(message: unknown): Promise<T>;
  end(): void;
}

/**
 * Start a module as a process of its own.
 * @param script sends one message when it is ready
 * @throws what it wrote to stderr, when it ends instead of answering
 */
export async function start(script: string, args: readonly string[] = []): Promise<Child> {
  const child = fork(script, args, { execArgv: [], stdio: ["ignore", "inherit", "pipe", "ipc"] });
  let wrote = "";
  child.stderr!.on("data", (data) => {
    wrote += data;
  });
  const ended = once(child, "close").then(([code, signal]) => {
    throw new Error(`${script} exited with ${code ?? signal}: ${wrote}`);
  });
  ended.catch(() => {});
  const answer = () => Promise.race([once(child, "message").then(([message]) => message), ended]);
  const ask = (message: string | object) => {
    const answered = answer();
    child.send(message);
    return answered;
  };
  await answer();
  return { ask: ask as Child["ask"], end: () => void child.kill() };
}
