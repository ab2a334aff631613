import { StopStrings } from "@hulu/core";
import { removeThinking, type Tokenizer, thinkSplitter } from "@hulu/processor";
import type { Piece } from "./answer.js";

/** Where thinking goes: to a place of its own, nowhere, or into the text. */
export type ThinkingMode = "apart" | "hidden" | "inline";
export const thinkingModes: readonly ThinkingMode[] = ["apart", "hidden", "inline"];

/** From ids to pieces of text: decoded, ended at stop strings, thinking told from the answer. The pieces join to the text. */
export class TextOut {
  readonly #decoder;
  readonly #stops: StopStrings;
  readonly #mode: Mode;
  text = "";
  thinking = "";

  constructor(tokenizer: Tokenizer, stop: readonly string[], mode: ThinkingMode) {
    this.#decoder = tokenizer.stream({ skipSpecial: true });
    this.#stops = new StopStrings(stop);
    this.#mode = { apart, hidden, inline }[mode]();
  }
  get stopped(): boolean {
    return this.#stops.stopped;
  }

  push(id: number): Piece[] {
    return this.#told(this.#mode.push(this.#stops.push(this.#decoder.push(id))));
  }
  end(): Piece[] {
    const rest = this.#stops.push(this.#decoder.end()) + this.#stops.end();
    return this.#told([...this.#mode.push(rest), ...this.#mode.end()]);
  }

  #told(pieces: readonly Piece[]): Piece[] {
    const told = pieces.filter(({ text }) => text !== "");
    for (const { kind, text } of told) {
      if (kind === "answer") this.text += text;
      else this.thinking += text;
    }
    return told;
  }
}

interface Mode {
  push(text: string): readonly Piece[];
  end(): readonly Piece[];
}

const inline = (): Mode => ({ push: (text) => [{ kind: "answer", text }], end: () => [] });
const apart = (): Mode => thinkSplitter();

/**
 * As the checkpoints' own code hides it (`removeThinking`), while the text still arrives. What is shown is what the hidden
 * form of the text so far begins with, less its end that more text may yet change: white space, and thinking that is not
 * closed (if it never is, it stays).
 */
function hidden(): Mode {
  let raw = "";
  let shown = 0;
  const upTo = (whole: string): Piece[] => {
    const text = whole.slice(shown);
    shown += text.length;
    return [{ kind: "answer", text }];
  };
  return {
    push: (text) => {
      raw += text;
      return text === "" ? [] : upTo(removeThinking(settled(raw)));
    },
    end: () => upTo(removeThinking(raw)),
  };
}

const OPEN = "<think>";
const CLOSE = "</think>";

/** The beginning of a text that no continuation changes. */
function settled(text: string): string {
  const whole = text.slice(0, firstUnclosed(text));
  const begun = Array.from({ length: OPEN.length - 1 }, (_, i) => OPEN.slice(0, i + 1)).find((start) =>
    whole.endsWith(start),
  );
  return begun === undefined ? whole : whole.slice(0, -begun.length);
}

/** Where the first `<think>` stands that is not closed: later ones lie inside it. */
function firstUnclosed(text: string): number {
  let at = 0;
  for (;;) {
    const open = text.indexOf(OPEN, at);
    const close = open < 0 ? -1 : text.indexOf(CLOSE, open);
    if (close < 0) return open < 0 ? text.length : open;
    at = close + CLOSE.length;
  }
}
