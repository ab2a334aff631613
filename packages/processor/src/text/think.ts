const OPEN = "<think>";
const CLOSE = "</think>";
// Python's \s for str; JavaScript's has U+FEFF and lacks U+001C to U+001F and U+0085.
const SPACE = "[ \\t\\n\\r\\f\\v\\x1c-\\x1f\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const BLANK_LINES = new RegExp(`\\n${SPACE}*\\n`, "g");
const EDGES = new RegExp(`^${SPACE}+|${SPACE}+$`, "g");

/**
 * Removes what a model thought, as the checkpoints' own code does: every `<think>...</think>` up to the nearest closing
 * tag (an unclosed one stays), runs of blank lines become one, white space at both ends goes.
 */
export function removeThinking(text: string): string {
  let out = "";
  let at = 0;
  for (;;) {
    const open = text.indexOf(OPEN, at);
    const close = open < 0 ? -1 : text.indexOf(CLOSE, open + OPEN.length);
    if (close < 0) break;
    out += text.slice(at, open);
    at = close + CLOSE.length;
  }
  out += text.slice(at);
  return out.replace(BLANK_LINES, "\n\n").replace(EDGES, "");
}

/** A piece of a streamed answer, its tags taken away. */
export interface ThinkPiece {
  readonly kind: "thinking" | "answer";
  readonly text: string;
}

/** Tells thinking from answer while the text still arrives. */
export interface ThinkSplitter {
  /** @returns what can be said for certain so far; a tag cut in two waits for its rest. */
  push(text: string): ThinkPiece[];
  /** The text ended: gives what was held back. */
  end(): ThinkPiece[];
}

/**
 * Splits a stream into thinking and answer. The concatenation of all pieces is the text without its matched tags; a stray
 * closing tag is answer text.
 * @param options.inside the prompt already opened a `<think>`
 */
export function thinkSplitter(options: { readonly inside?: boolean } = {}): ThinkSplitter {
  let inside = options.inside ?? false;
  let held = "";
  const piece = (text: string): ThinkPiece[] => (text === "" ? [] : [{ kind: inside ? "thinking" : "answer", text }]);
  return {
    push(text) {
      held += text;
      const pieces: ThinkPiece[] = [];
      for (;;) {
        const tag = inside ? CLOSE : OPEN;
        const at = held.indexOf(tag);
        if (at < 0) break;
        pieces.push(...piece(held.slice(0, at)));
        held = held.slice(at + tag.length);
        inside = !inside;
      }
      const keep = partialTag(held, inside ? CLOSE : OPEN);
      pieces.push(...piece(held.slice(0, held.length - keep)));
      held = held.slice(held.length - keep);
      return pieces;
    },
    end() {
      const pieces = piece(held);
      held = "";
      return pieces;
    },
  };
}

/** Length of the longest end of `text` that begins `tag`. */
function partialTag(text: string, tag: string): number {
  for (let n = Math.min(text.length, tag.length - 1); n > 0; n--) {
    if (tag.startsWith(text.slice(text.length - n))) return n;
  }
  return 0;
}
