import { tokenize } from "@huggingface/jinja";
import { ProcessorError } from "../errors.js";
import { checkConversation } from "./conversation.js";
import { Bounded, type JinjaLimits } from "./jinja-bounded.js";
import {
  ArrayValue,
  BaseEnvironment,
  type Environment,
  FloatValue,
  type Node,
  ObjectValue,
  parseTemplate,
  type RuntimeValue,
} from "./jinja-library.js";
import { limit } from "./jinja-size.js";
import { Float } from "./number.js";
import type { ChatTemplate } from "./template.js";

export type { JinjaLimits } from "./jinja-bounded.js";

const MAX_RANGE = 10_000;
/** Characters of a template: ten times the longest published ones. */
const MAX_SOURCE = 2 ** 18;
/** The library's search for blocks is quadratic in such a run. */
const MAX_SPACES = 1000;
const MAX_DEPTH = 64;

/**
 * A checkpoint's own chat template, as transformers renders it (`trim_blocks`, `lstrip_blocks`). It is given `messages`,
 * `add_generation_prompt`, `add_system_prompt`, `image_token` and the `variables` of the call.
 * @param source the text of `chat_template`
 * @throws ProcessorError `chat-template` when it is no Jinja that can be read, `chat-template-limit` when it is too long.
 */
export function jinjaTemplate(source: string, limits: JinjaLimits = {}): ChatTemplate {
  const program = readTemplate(source);
  return {
    name: "jinja",
    render(conversation, options = {}) {
      checkConversation(conversation);
      const env = globals();
      const variables: readonly (readonly [string, unknown])[] = [
        ["image_token", options.imageToken ?? "<image>"],
        ["add_generation_prompt", options.addGenerationPrompt ?? false],
        ["add_system_prompt", options.addSystemPrompt ?? false],
        ...Object.entries(options.variables ?? {}),
        ["messages", conversation],
      ];
      for (const [name, value] of variables) env.setVariable(name, toRuntime(value, 0));
      return run(new Bounded(env, limits), program);
    },
  };
}

function readTemplate(source: string): Node {
  if (source.length > MAX_SOURCE) throw limit(`has more than ${MAX_SOURCE} characters`);
  if (hasRun(source)) throw limit(`has a run of more than ${MAX_SPACES} white-space characters`);
  try {
    return parseTemplate(tokenize(source, { lstrip_blocks: true, trim_blocks: true }));
  } catch (cause) {
    // The parser and the interpreter go down one call for each level: what is nested too deeply ends their stack.
    if (cause instanceof RangeError) throw limit("is nested too deeply");
    throw new ProcessorError("chat-template", `the chat template cannot be read: ${firstLine(cause)}`, { cause });
  }
}

function hasRun(source: string): boolean {
  let run = 0;
  for (let at = 0; at < source.length && run <= MAX_SPACES; at++) run = /\s/.test(source[at]!) ? run + 1 : 0;
  return run > MAX_SPACES;
}

function run(interpreter: Bounded, program: Node): string {
  try {
    return String(interpreter.run(program).value);
  } catch (cause) {
    if (cause instanceof ProcessorError) throw cause;
    if (cause instanceof RangeError) throw limit("calls itself, or is nested, too deeply");
    // The message of an interpreter may quote values: only a template's own raise_exception is passed on.
    const reason =
      cause instanceof Raised ? `it says: ${cause.message}` : "it uses something that is not supported here";
    throw new ProcessorError("chat-template", `the chat template failed: ${reason}`, {
      cause: cause instanceof Raised ? cause : undefined,
    });
  }
}

/** Characters of what a template may say of its failure. */
const MAX_MESSAGE = 300;

class Raised extends Error {}

function globals(): Environment {
  const env = new BaseEnvironment();
  for (const [name, value] of [
    ["true", true],
    ["True", true],
    ["false", false],
    ["False", false],
    ["none", null],
    ["None", null],
  ] as const) {
    env.set(name, value);
  }
  env.set("raise_exception", (message: unknown) => {
    throw new Raised(String(message).slice(0, MAX_MESSAGE));
  });
  env.set("range", boundedRange);
  env.set("strftime_now", strftimeNow);
  return env;
}

function boundedRange(...args: readonly number[]): number[] {
  const [start, stop, step = 1] = args.length > 1 ? args : [0, args[0]];
  if (![start, stop, step].every(Number.isSafeInteger) || step === 0) {
    throw new ProcessorError("chat-template", "the chat template calls range() with something other than integers");
  }
  const count = Math.max(0, Math.ceil((stop! - start!) / step));
  if (count > MAX_RANGE) {
    throw new ProcessorError(
      "chat-template-limit",
      `the chat template calls range() for more than ${MAX_RANGE} numbers`,
    );
  }
  return Array.from({ length: count }, (_, i) => start! + i * step);
}

const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

/** The day's date by Python's `strftime`, in English: %Y %m %d %H %M %S %b %B. */
function strftimeNow(format: unknown): string {
  const now = new Date();
  const two = (n: number) => String(n).padStart(2, "0");
  const month = MONTHS[now.getMonth()]!;
  const fields = new Map([
    ["%Y", String(now.getFullYear())],
    ["%m", two(now.getMonth() + 1)],
    ["%d", two(now.getDate())],
    ["%H", two(now.getHours())],
    ["%M", two(now.getMinutes())],
    ["%S", two(now.getSeconds())],
    ["%b", month.slice(0, 3)],
    ["%B", month],
    ["%%", "%"],
  ]);
  return String(format).replace(/%./g, (field) => fields.get(field) ?? field);
}

/** As the library converts values, but a {@link Float} becomes its float, so that 61.0 is written `61.0`. */
function toRuntime(value: unknown, depth: number): RuntimeValue {
  if (depth > MAX_DEPTH)
    throw new ProcessorError("chat-conversation", `the conversation is nested more than ${MAX_DEPTH} deep`);
  if (value instanceof Float) return new FloatValue(value.value);
  if (Array.isArray(value)) return new ArrayValue(value.map((v: unknown) => toRuntime(v, depth + 1)));
  if (typeof value === "object" && value !== null) {
    return new ObjectValue(new Map(Object.entries(value).map(([k, v]) => [k, toRuntime(v, depth + 1)])));
  }
  if (typeof value === "function") throw new ProcessorError("chat-conversation", "the conversation holds a function");
  return new BaseEnvironment().set("value", value);
}

/** What the parser says. What is cut off in the midst it meets as a missing value. */
function firstLine(cause: unknown): string {
  if (!(cause instanceof Error) || cause instanceof TypeError) return "it is not complete";
  return (cause.message.split("\n")[0] ?? "").replaceAll("undefined", "the end").slice(0, MAX_MESSAGE);
}
