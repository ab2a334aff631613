import type { Backend, BackendOrigin } from "@hulu/core";
import { Answer } from "../answer.js";
import { EngineError } from "../error.js";
import type { CheckpointSource } from "../files.js";
import { loadHere } from "../model.js";
import { Talk } from "../talk.js";
import { SourceProxies } from "./frames.js";
import { Mailbox } from "./mailbox.js";
import { buffersOf, pack, unpack } from "./pack.js";
import { HOST, MODEL, type Port, type Request } from "./protocol.js";
import { toWire } from "./wire-error.js";

type Call = Extract<Request, { is: "call" }>;
type Options = Readonly<Record<string, unknown>>;

/** One call under way: how it is stopped, and whether, of an answer, more is wanted. */
interface Running {
  readonly abort: AbortController;
  readonly wanted: Mailbox<"next" | "leave">;
}

export interface HostOptions {
  /** What runs the models that are loaded here; without it, a call to load says what to import. */
  readonly backend?: Backend;
}

/** The worker's end: it loads one model, and does what the other side asks of it. */
export class Host {
  readonly #port: Port;
  readonly #given: Backend | undefined;
  readonly #sources: SourceProxies;
  readonly #running = new Map<number, Running>();
  readonly #targets = new Map<number, object>();
  #last = MODEL;
  #loading = false;

  constructor(port: Port, { backend }: HostOptions = {}) {
    this.#port = port;
    this.#sources = new SourceProxies(port);
    this.#given = backend;
    port.listen((request: Request) => this.#receive(request));
    this.#greet();
  }

  #greet(): void {
    this.#port.post({ id: 0, is: "ready" });
  }

  #receive(request: Request): void {
    if (request.is === "hello") return void this.#greet();
    if (request.is === "call") return void this.#serve(request);
    const running = this.#running.get(request.id);
    if (request.is === "abort") running?.abort.abort();
    else if (request.is === "next" || request.is === "leave") running?.wanted.put(request.is);
    else this.#sources.receive(request);
  }

  async #serve(call: Call): Promise<void> {
    const running: Running = { abort: new AbortController(), wanted: new Mailbox() };
    this.#running.set(call.id, running);
    try {
      const value = await this.#answer(call, running);
      this.#port.post({ id: call.id, is: "value", value }, buffersOf(value));
    } catch (error) {
      this.#port.post({ id: call.id, is: "error", error: toWire(error) });
    } finally {
      this.#running.delete(call.id);
    }
  }

  async #answer(call: Call, running: Running): Promise<unknown> {
    const args = unpack(call.args, (sent) => this.#sources.revive(sent)) as unknown[];
    const options = this.#optionsOf(call, running);
    if (call.target === HOST) return this.#load(args[0] as CheckpointSource, args[1] as BackendOrigin, options);
    const target = this.#targets.get(call.target);
    if (target instanceof Talk && call.method === "messages") return (await pack(target.messages, "messages")).value;
    const given = await this.#invoke(call, [...args, options]);
    if (given instanceof Answer) return this.#tell(call.id, given, running);
    return given instanceof Talk ? this.#number(given) : given;
  }

  /** The caller's options, with a signal that follows the caller's, and functions that call the caller's. */
  #optionsOf(call: Call, { abort }: Running): Options {
    const listeners = call.listeners.map((name) => [
      name,
      (...args: readonly unknown[]) => this.#port.post({ id: call.id, is: "event", name, args }),
    ]);
    return {
      ...(unpack(call.options) as Options | undefined),
      ...Object.fromEntries(listeners),
      signal: abort.signal,
    };
  }

  #invoke(call: Call, args: readonly unknown[]): unknown {
    const target = this.#targets.get(call.target);
    const method = target === undefined ? undefined : (target as Record<string, unknown>)[call.method];
    if (typeof method !== "function") throw new EngineError("disposed", "the conversation was disposed");
    if (call.method === "dispose") this.#targets.delete(call.target);
    return method.apply(target, args);
  }

  /** A conversation stays here; the other side knows it by a number. */
  #number(talk: Talk): number {
    const number = ++this.#last;
    this.#targets.set(number, talk);
    return number;
  }

  async #load(source: CheckpointSource, origin: BackendOrigin | undefined, options: Options) {
    if (this.#loading) throw new EngineError("worker-unavailable", "this worker holds a model already; start another");
    this.#loading = true;
    const backend = this.#given ?? (await importBackend(origin));
    const text = (running: boolean) => this.#port.post({ id: 0, is: "text", running });
    const model = await loadHere(source, { ...options, backend }, text);
    this.#targets.set(MODEL, model);
    return { config: model.config, contextLength: model.contextLength };
  }

  /** Piece by piece, each when the other side asks for it. */
  async #tell(id: number, answer: Answer, running: Running): Promise<unknown> {
    const pieces = answer.pieces();
    for (;;) {
      const { done, value } = await pieces.next();
      if (done) return answer.result();
      this.#port.post({ id, is: "piece", value });
      if ((await running.wanted.take()) === "next") continue;
      await pieces.return();
      return undefined;
    }
  }
}

/** Make the backend that the other side has. @throws EngineError `worker-unavailable` */
async function importBackend(origin: BackendOrigin | undefined): Promise<Backend> {
  if (origin === undefined)
    throw new EngineError("worker-unavailable", "this worker was given no backend: serve({ backend })");
  const module: Readonly<Record<string, unknown>> = await import(
    /* webpackIgnore: true */ /* @vite-ignore */ origin.module
  );
  const found = module[origin.name];
  return (typeof found === "function" ? found(origin.options) : found) as Backend;
}
