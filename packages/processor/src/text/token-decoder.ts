/** Turns ordinary (not added) tokens into text, one by one. */
export interface TokenDecoder {
  start(): TokenDecoderState;
}

export interface TokenDecoderState {
  /** @returns the whole characters that this token completes. */
  token(id: number, token: string): string;
  /** The run of ordinary tokens ended: gives what is held back and begins anew. */
  end(): string;
}

/**
 * Byte-level BPE: each character of a token stands for one byte, the bytes are UTF-8.
 * Source: A. Radford et al., GPT-2, `bytes_to_unicode`.
 */
export function byteLevelDecoder(): TokenDecoder {
  const bytes = byteTable();
  return {
    start() {
      let utf8 = newUtf8();
      return {
        token: (_, token) =>
          utf8.decode(Uint8Array.from([...token].flatMap((c) => bytes.get(c) ?? [])), { stream: true }),
        end() {
          const rest = utf8.decode();
          utf8 = newUtf8();
          return rest;
        },
      };
    },
  };
}

/** Any other decoder: the run so far is decoded again, and the end that may still change is held back. */
export function genericDecoder(decode: (ids: readonly number[]) => string): TokenDecoder {
  return {
    start() {
      let ids: number[] = [];
      let given = "";
      const text = () => (ids.length === 0 ? "" : decode(ids));
      return {
        token(id) {
          ids.push(id);
          const now = text();
          const certain = now.replace(/\uFFFD+$/, "");
          if (!certain.startsWith(given)) return "";
          const piece = certain.slice(given.length);
          given = certain;
          return piece;
        },
        end() {
          const rest = text().slice(given.length);
          ids = [];
          given = "";
          return rest;
        },
      };
    },
  };
}

function newUtf8(): TextDecoder {
  return new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
}

/** Character -> byte. Printable Latin-1 stands for itself, the other bytes for U+0100 and up, in order. */
function byteTable(): Map<string, number> {
  const table = new Map<string, number>();
  let next = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    table.set(String.fromCodePoint(printable ? byte : next++), byte);
  }
  return table;
}
