import type { FrameSource, RgbImage } from "@hulu/processor";
import type { WireError } from "./wire-error.js";

/** What goes in a message for a source of frames, which stays with the caller. */
export interface SentSource extends Omit<FrameSource, "frames" | "timestamps"> {
  readonly "@hulu/source": number;
  /** Whether its frames can be read once only. */
  readonly once: boolean;
  readonly timestamps: readonly number[] | undefined;
}

/** What the worker says of sources of frames; `reading` is one run through a source. */
export type FramesReply =
  | { readonly id: 0; readonly is: "read"; readonly reading: number; readonly source: number }
  /** A frame was used; another may be sent. */
  | { readonly id: 0; readonly is: "more"; readonly reading: number }
  /** No frame is wanted any more. */
  | { readonly id: 0; readonly is: "enough"; readonly reading: number }
  /** Nobody in the worker can ask for its frames any more. */
  | { readonly id: 0; readonly is: "forget"; readonly source: number };

/** What the worker is sent of them. */
export type FramesRequest =
  | { readonly id: 0; readonly is: "frame"; readonly reading: number; readonly frame: RgbImage }
  | { readonly id: 0; readonly is: "frames-end"; readonly reading: number }
  | { readonly id: 0; readonly is: "frames-error"; readonly reading: number; readonly error: WireError };

/** What is asked of the worker; `id` is one call's, from its first message to its last. */
export type Request =
  /** Whoever serves answers, if it has begun to. */
  | { readonly id: 0; readonly is: "hello" }
  | {
      readonly id: number;
      readonly is: "call";
      /** The object: the host itself, the model, or a conversation. */
      readonly target: number;
      readonly method: string;
      readonly args: readonly unknown[];
      /** The last argument, to which the worker adds a signal and the listeners. */
      readonly options: Readonly<Record<string, unknown>> | undefined;
      /** The options of the caller that are functions, by name. */
      readonly listeners: readonly string[];
    }
  /** The next piece of an answer is wanted. */
  | { readonly id: number; readonly is: "next" }
  /** Nobody wants the rest of an answer. */
  | { readonly id: number; readonly is: "leave" }
  | { readonly id: number; readonly is: "abort" }
  | FramesRequest;

export type Reply =
  /** The worker listens from now on: what was sent before may be lost. */
  | { readonly id: 0; readonly is: "ready" }
  | { readonly id: number; readonly is: "value"; readonly value: unknown }
  | { readonly id: number; readonly is: "piece"; readonly value: unknown }
  | { readonly id: number; readonly is: "error"; readonly error: WireError }
  /** A listener among the options was called. */
  | { readonly id: number; readonly is: "event"; readonly name: string; readonly args: readonly unknown[] }
  /** Work on texts that a stranger wrote begins or has ended; it cannot be interrupted but by ending the worker. */
  | { readonly id: number; readonly is: "text"; readonly running: boolean }
  | FramesReply;

/** The host, which loads; and the model that it has loaded. Conversations are numbered from there. */
export const HOST = 0;
export const MODEL = 1;

/** One end of the channel, whichever platform's. */
export interface Port {
  post(message: Request | Reply, transfer?: readonly ArrayBuffer[]): void;
  listen(onMessage: (message: never) => void): void;
}
