import type { FrameSource, RgbImage } from "@hulu/processor";
import { Mailbox } from "./mailbox.js";
import { pack } from "./pack.js";
import type { FramesReply, FramesRequest, Port, SentSource } from "./protocol.js";
import { fromWire, toWire } from "./wire-error.js";

// Frames that are made on the caller's side, one by one: they cross as the worker asks for them, a few ahead of it, so that
// neither side holds a clip. The worker may ask again: a conversation reads its clips as often as it must.

/** How many frames may be under way. */
const AHEAD = 2;

interface Reading {
  readonly abort: AbortController;
  /** One entry for each frame that may still be sent. */
  readonly credit: Mailbox<undefined>;
}

/** The caller's end: sources that the worker knows by number. */
export class SourceHolder {
  readonly #port: Port;
  readonly #sources = new Map<number, FrameSource>();
  readonly #readings = new Map<number, Reading>();
  #last = 0;

  constructor(port: Port) {
    this.#port = port;
  }

  /** @param once whether the frames can be read once only */
  add(source: FrameSource, once = false): SentSource {
    const { kind, count, width, height, timestamps } = source;
    const number = ++this.#last;
    this.#sources.set(number, source);
    return { "@hulu/source": number, once, kind, count, width, height, timestamps };
  }

  receive(reply: FramesReply): void {
    if (reply.is === "forget") this.#sources.delete(reply.source);
    else if (reply.is === "read") void this.#read(reply.reading, reply.source);
    else if (reply.is === "more") this.#readings.get(reply.reading)?.credit.put(undefined);
    else this.#stop(reply.reading);
  }

  /** Nobody will ask any more. */
  dispose(): void {
    for (const reading of [...this.#readings.keys()]) this.#stop(reading);
    this.#sources.clear();
  }

  #stop(reading: number): void {
    const found = this.#readings.get(reading);
    this.#readings.delete(reading);
    found?.abort.abort();
    found?.credit.fail(STOPPED);
  }

  async #read(reading: number, number: number): Promise<void> {
    const { abort, credit }: Reading = { abort: new AbortController(), credit: new Mailbox() };
    this.#readings.set(reading, { abort, credit });
    for (let i = 0; i < AHEAD; i++) credit.put(undefined);
    try {
      const source = this.#sources.get(number);
      for await (const frame of source?.frames({ signal: abort.signal }) ?? []) {
        await credit.take();
        const { data, width, height } = frame;
        const { value, transfer } = await pack({ data, width, height }, "a frame");
        if (this.#readings.has(reading)) this.#port.post({ id: 0, is: "frame", reading, frame: value }, transfer);
      }
      if (this.#readings.has(reading)) this.#port.post({ id: 0, is: "frames-end", reading });
    } catch (error) {
      if (this.#readings.has(reading)) this.#port.post({ id: 0, is: "frames-error", reading, error: toWire(error) });
    } finally {
      this.#readings.delete(reading);
    }
  }
}

const STOPPED = new Error("nobody reads these frames any more");

/** The worker's end: sources whose frames come from the other side. */
export class SourceProxies {
  readonly #port: Port;
  readonly #readings = new Map<number, Mailbox<FramesRequest>>();
  readonly #forgotten: FinalizationRegistry<number>;
  #last = 0;

  constructor(port: Port) {
    this.#port = port;
    // What no conversation here can reach any more, the other side need not hold.
    this.#forgotten = new FinalizationRegistry((source) => port.post({ id: 0, is: "forget", source }));
  }

  receive(request: FramesRequest): void {
    this.#readings.get(request.reading)?.put(request);
  }

  /** What stands in a message for what was sent: a source, or an iterable where the frames can be read once. */
  revive(sent: SentSource): FrameSource | AsyncIterable<RgbImage> {
    const { "@hulu/source": number, once, kind, count, width, height, timestamps } = sent;
    const frames: FrameSource["frames"] = ({ signal } = {}) => this.#frames(number, revived, signal);
    const revived: FrameSource | AsyncIterable<RgbImage> = once
      ? { [Symbol.asyncIterator]: () => frames()[Symbol.asyncIterator]() }
      : { kind, count, width, height, ...(timestamps && { timestamps }), frames };
    this.#forgotten.register(revived, number);
    return revived;
  }

  /** @param _holder keeps the other side's source while it is read */
  async *#frames(source: number, _holder: object, signal: AbortSignal | undefined): AsyncGenerator<RgbImage> {
    signal?.throwIfAborted();
    const reading = ++this.#last;
    const come = new Mailbox<FramesRequest>();
    this.#readings.set(reading, come);
    const abort = () => come.fail(signal?.reason);
    signal?.addEventListener("abort", abort);
    this.#port.post({ id: 0, is: "read", reading, source });
    try {
      for (;;) {
        const next = await come.take();
        signal?.throwIfAborted();
        if (next.is === "frames-end") return;
        if (next.is === "frames-error") throw fromWire(next.error);
        yield next.frame;
        this.#port.post({ id: 0, is: "more", reading });
      }
    } finally {
      signal?.removeEventListener("abort", abort);
      this.#readings.delete(reading);
      this.#port.post({ id: 0, is: "enough", reading });
    }
  }
}
