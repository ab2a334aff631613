import { EngineError } from "../error.js";
import { SourceHolder } from "./frames.js";
import { Mailbox } from "./mailbox.js";
import { pack } from "./pack.js";
import type { Port, Reply } from "./protocol.js";
import { errorClasses, fromWire } from "./wire-error.js";

type Answered = Extract<Reply, { is: "value" | "piece" | "error" }>;
type Listeners = Readonly<Record<string, ((...args: never[]) => void) | undefined>>;

/** What a call takes along beside its arguments. */
export interface CallOptions {
  /** Plain data; the worker puts a signal of its own in. */
  readonly options?: Readonly<Record<string, unknown>> | undefined;
  /** Buffers of the arguments that change hands. */
  readonly transfer?: readonly ArrayBuffer[];
  readonly signal?: AbortSignal | undefined;
  /** Functions of the caller, by the name of the option that they stand for. */
  readonly listeners?: Listeners | undefined;
}

export interface LinkOptions {
  /** Milliseconds that work on texts which a stranger wrote may take at a stretch. */
  readonly textTimeLimit: number;
  /** Ends the worker. */
  readonly end: () => void;
  /** Told when there comes to be something to wait for, and when there is nothing left. */
  readonly onBusy?: (busy: boolean) => void;
  /** A module whose classes of errors are restored too. */
  readonly module?: Readonly<Record<string, unknown>> | undefined;
}

/** Milliseconds in which messages that wait are read. */
const GRACE = 100;

/** Milliseconds that a worker may take to fetch its code and begin. */
const GREETING = 60_000;

/** The caller's end of a worker: calls with their signals, answers in pieces, errors with their classes. */
export class Link {
  readonly #port: Port;
  readonly #options: LinkOptions;
  readonly #classes: ReturnType<typeof errorClasses>;
  /** Sources of frames that the worker may ask for. */
  readonly sources: SourceHolder;
  readonly #open = new Map<number, { readonly replies: Mailbox<Answered>; readonly listeners: Listeners }>();
  #calls = 0;
  #lost: Error | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Ends when the worker listens, or is lost. */
  readonly #ready: Promise<void>;
  #greeted: () => void = () => {};

  constructor(port: Port, options: LinkOptions) {
    this.#port = port;
    this.sources = new SourceHolder(port);
    this.#options = options;
    this.#classes = errorClasses(options.module ?? {});
    const silent = setTimeout(() => {
      const seconds = GREETING / 1000;
      this.lose(
        new EngineError("worker-unavailable", `the worker said nothing for ${seconds} s; its file must call serve()`),
      );
      options.end();
    }, GREETING);
    this.#ready = new Promise((resolve) => {
      this.#greeted = () => {
        clearTimeout(silent);
        resolve();
      };
    });
    port.listen((reply: Reply) => this.#receive(reply));
    // One that began before gets it, and greets again; for one that will begin later it is lost, and it greets then.
    port.post({ id: 0, is: "hello" });
  }

  /** Call a method of an object in the worker. */
  async call<T>(target: number, method: string, args: readonly unknown[], more: CallOptions = {}): Promise<T> {
    const call = await this.#start(target, method, args, more);
    try {
      return (await call.reply()).value as T;
    } finally {
      call.close();
    }
  }

  /** Call a method that answers in pieces. While the caller is busy with one, the worker makes the next, and no more. */
  async *pieces<P, R>(
    target: number,
    method: string,
    args: readonly unknown[],
    more: CallOptions = {},
  ): AsyncGenerator<P, R> {
    const call = await this.#start(target, method, args, more);
    let ended = false;
    try {
      for (;;) {
        const reply = await call.reply();
        ended = reply.is === "value";
        if (ended) return reply.value as R;
        this.#port.post({ id: call.id, is: "next" });
        yield reply.value as P;
      }
    } catch (error) {
      ended = true;
      throw error;
    } finally {
      if (!ended) await this.#leave(call);
      call.close();
    }
  }

  /** Fail what is open, and all that comes. */
  lose(error: Error): void {
    this.#lost ??= error;
    this.#greeted();
    clearTimeout(this.#timer);
    for (const { replies } of this.#open.values()) replies.fail(this.#lost);
    this.sources.dispose();
  }

  async #start(target: number, method: string, args: readonly unknown[], more: CallOptions) {
    const { signal, listeners = {} } = more;
    const { value: options, transfer } = await pack(more.options, method);
    await orAborted(this.#ready, signal);
    signal?.throwIfAborted();
    if (this.#lost) throw this.#lost;
    const id = ++this.#calls;
    const replies = new Mailbox<Answered>();
    if (this.#open.size === 0) this.#options.onBusy?.(true);
    this.#open.set(id, { replies, listeners });
    const abort = () => this.#port.post({ id, is: "abort" });
    signal?.addEventListener("abort", abort);
    const call = { id, is: "call", target, method, args, options, listeners: heard(listeners) } as const;
    const close = () => {
      signal?.removeEventListener("abort", abort);
      this.#open.delete(id);
      if (this.#open.size === 0) this.#options.onBusy?.(false);
    };
    try {
      this.#port.post(call, [...transfer, ...(more.transfer ?? [])]);
    } catch (error) {
      close();
      throw error;
    }
    return {
      id,
      reply: async () => {
        const reply = await replies.take();
        if (reply.is !== "error") return reply;
        // The caller's own reason, not its copy.
        signal?.throwIfAborted();
        throw fromWire(reply.error, this.#classes);
      },
      close,
    };
  }

  /** Wait until the worker has stopped: what the answer held is free by then. */
  async #leave(call: { readonly id: number; reply(): Promise<{ readonly is: string }> }): Promise<void> {
    this.#port.post({ id: call.id, is: "leave" });
    // A piece may still be under way; a failure says that it has stopped as well.
    while ((await call.reply().catch(() => ({ is: "value" }))).is !== "value");
  }

  #receive(reply: Reply): void {
    if (reply.is === "ready") this.#greeted();
    else if (reply.is === "text") this.#watch(reply.running);
    else if (reply.is === "event") this.#hear(reply);
    else if (reply.is === "value" || reply.is === "piece" || reply.is === "error")
      this.#open.get(reply.id)?.replies.put(reply);
    else this.sources.receive(reply);
  }

  /** A listener that throws fails its call, as it does where no worker is between. */
  #hear({ id, name, args }: Extract<Reply, { is: "event" }>): void {
    const open = this.#open.get(id);
    try {
      open?.listeners[name]?.(...(args as never[]));
    } catch (error) {
      open?.replies.fail(error);
      this.#port.post({ id, is: "abort" });
    }
  }

  /** Nothing but the end of the worker interrupts a regular expression. */
  #watch(running: boolean): void {
    clearTimeout(this.#timer);
    if (!running) return;
    this.#timer = setTimeout(() => {
      // Where this thread was held up itself, word that the work is over has come and was not read yet.
      this.#timer = setTimeout(() => this.#tookTooLong(), GRACE);
    }, this.#options.textTimeLimit);
  }

  #tookTooLong(): void {
    const { textTimeLimit, end } = this.#options;
    const words = "the checkpoint's tokenizer or chat template";
    this.lose(
      new EngineError("time-limit", `${words} took more than ${textTimeLimit} ms over a text; the model was unloaded`),
    );
    end();
  }
}

const heard = (listeners: Listeners): string[] =>
  Object.entries(listeners).flatMap(([name, listener]) => (listener === undefined ? [] : [name]));

/** Wait for something, but no longer than the signal lets. @throws the signal's reason */
async function orAborted(promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return promise;
  let stop = () => {};
  const aborted = new Promise<void>((resolve) => {
    stop = resolve;
  });
  signal.addEventListener("abort", stop);
  try {
    if (!signal.aborted) await Promise.race([promise, aborted]);
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
