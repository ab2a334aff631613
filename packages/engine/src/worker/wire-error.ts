import * as core from "@hulu/core";
import { SourceError } from "@hulu/hub";
import { ProcessorError } from "@hulu/processor";
import { SafetensorsError } from "@hulu/safetensors";
import { EngineError } from "../error.js";

/** An error as data: structured cloning keeps neither its name nor its code. */
export interface WireError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly cause: WireError | undefined;
  /** Its own fields, such as `code`, that are plain data. */
  readonly fields: Readonly<Record<string, unknown>>;
}

const MOST_CAUSES = 8;

export function toWire(thrown: unknown, depth = 0): WireError {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const own = Object.entries(error).filter(([key, value]) => !reserved.has(key) && isData(value));
  return {
    name: error.name,
    message: error.message,
    stack: error.stack,
    cause: error.cause === undefined || depth === MOST_CAUSES ? undefined : toWire(error.cause, depth + 1),
    fields: Object.fromEntries(own),
  };
}

/** What the error says in fields of its own, which are restored one by one. */
const reserved = new Set(["name", "message", "stack", "cause", "__proto__"]);

function isData(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}

type Classes = ReadonlyMap<string, object>;

/** The prototypes of a module's error classes, by name. */
export function errorClasses(module: Readonly<Record<string, unknown>>): Classes {
  return new Map(
    Object.entries(module).flatMap(([name, value]) =>
      typeof value === "function" && value.prototype instanceof Error ? [[name, value.prototype as object]] : [],
    ),
  );
}

const ours: Classes = new Map([
  ...errorClasses(core),
  ...errorClasses({ EngineError, ProcessorError, SafetensorsError, SourceError }),
  ...errorClasses({ TypeError, RangeError, SyntaxError }),
]);

/** The error again, of its own class where that is known here: `instanceof` holds as if it had been thrown in this thread. */
export function fromWire(wire: WireError, more: Classes = new Map()): Error {
  const error = new Error(wire.message, wire.cause && { cause: fromWire(wire.cause, more) });
  const prototype = more.get(wire.name) ?? ours.get(wire.name);
  if (prototype !== undefined) Object.setPrototypeOf(error, prototype);
  const hidden = { writable: true, configurable: true, enumerable: false };
  Object.defineProperty(error, "name", { ...hidden, value: wire.name });
  if (wire.stack !== undefined) Object.defineProperty(error, "stack", { ...hidden, value: wire.stack });
  return Object.assign(error, wire.fields);
}
