import { describe, expect, test } from "vitest";
import { Link } from "./link.js";
import type { Port, Reply, Request } from "./protocol.js";

/** A link to a worker that a test plays: what was sent to it, and how it speaks. */
function played(textTimeLimit = 10_000) {
  const sent: Request[] = [];
  let hear: (reply: Reply) => void = () => {};
  const port: Port = {
    post: (message) => void sent.push(message as Request),
    listen: (onMessage) => {
      hear = onMessage as typeof hear;
    },
  };
  let ended = false;
  const end = () => {
    ended = true;
  };
  const link = new Link(port, { textTimeLimit, end });
  const say = (reply: Reply) => hear(reply);
  say({ id: 0, is: "ready" });
  return { link, sent, say, isEnded: () => ended };
}

const pause = (ms: number) => new Promise((resume) => setTimeout(resume, ms));

describe("a link", () => {
  test("fails the call whose listener throws, and ends its work", async () => {
    const { link, sent, say } = played();
    const onProgress = () => {
      throw new RangeError("no more");
    };
    const loaded = link.call(0, "load", [], { listeners: { onProgress } });
    const failed = expect(loaded).rejects.toThrow(new RangeError("no more"));
    await pause(0);
    say({ id: 1, is: "event", name: "onProgress", args: [1, 2] });
    await failed;
    expect(sent.map(({ is }) => is)).toEqual(["hello", "call", "abort"]);
  });

  test("does not take its own thread's work for that of the worker", async () => {
    const { say, isEnded } = played(20);
    say({ id: 0, is: "text", running: true });
    // The word that it is over comes while nobody can listen: it waits behind the timer.
    const held = performance.now();
    while (performance.now() - held < 60);
    setImmediate(() => say({ id: 0, is: "text", running: false }));
    await pause(300);
    expect(isEnded()).toBe(false);
  });

  test("ends the worker that is at work on a text for too long", async () => {
    const { link, say, isEnded } = played(20);
    say({ id: 0, is: "text", running: true });
    await pause(500);
    expect(isEnded()).toBe(true);
    await expect(link.call(1, "ask", [])).rejects.toMatchObject({ name: "EngineError", code: "time-limit" });
  });
});
