import {
  Environment as LibraryEnvironment,
  Interpreter as LibraryInterpreter,
  parse,
  tokenize,
} from "@huggingface/jinja";
import { ProcessorError } from "../errors.js";
import { checkConversation } from "./conversation.js";
import { Float, roundDecimals } from "./number.js";
import type { ChatTemplate } from "./template.js";

// The library's declarations do not resolve under NodeNext: what is used of it is written down here.
interface RuntimeValue {
  readonly value: unknown;
}
interface Environment {
  /** Declares a JavaScript value. */
  set(name: string, value: unknown): RuntimeValue;
  setVariable(name: string, value: RuntimeValue): RuntimeValue;
}
interface Node {
  readonly type: string;
}
interface Interpreter {
  run(program: Node): RuntimeValue;
  evaluate(node: Node | undefined, env: Environment): RuntimeValue;
  /** A body: of the whole, of a branch, of one turn of a loop. */
  evaluateBlock(statements: readonly Node[], env: Environment): RuntimeValue;
}
type Make<T> = new (value: T) => RuntimeValue;

const BaseEnvironment = LibraryEnvironment as unknown as new () => Environment;
const BaseInterpreter = LibraryInterpreter as unknown as new (env: Environment) => Interpreter;
const parseTemplate = parse as unknown as (tokens: unknown) => Node;

/** What a template may cost; past it rendering stops with `chat-template-limit`. */
export interface JinjaLimits {
  /** Characters of any string that the template makes. Default 2^24. */
  readonly maxLength?: number;
  /** Evaluated nodes and turns of loops. Default 2^22. */
  readonly maxSteps?: number;
}

const MAX_RANGE = 100_000;
const MAX_DEPTH = 64;

/**
 * A checkpoint's own chat template, as transformers renders it (`trim_blocks`, `lstrip_blocks`). It is given `messages`,
 * `add_generation_prompt`, `add_system_prompt`, `image_token` and the `variables` of the call.
 * @param source the text of `chat_template`
 * @throws ProcessorError `chat-template` when it is no Jinja that can be read.
 */
export function jinjaTemplate(source: string, limits: JinjaLimits = {}): ChatTemplate {
  const program = readTemplate(source);
  const { maxLength = 2 ** 24, maxSteps = 2 ** 22 } = limits;
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
      return run(new Bounded(env, maxLength, maxSteps), program);
    },
  };
}

function readTemplate(source: string): Node {
  try {
    return parseTemplate(tokenize(source, { lstrip_blocks: true, trim_blocks: true }));
  } catch (cause) {
    throw new ProcessorError("chat-template", `the chat template cannot be read: ${firstLine(cause)}`, { cause });
  }
}

function run(interpreter: Interpreter, program: Node): string {
  try {
    return String(interpreter.run(program).value);
  } catch (cause) {
    if (cause instanceof ProcessorError) throw cause;
    // The message of an interpreter may quote values: only a template's own raise_exception is passed on.
    const reason =
      cause instanceof Raised ? `it says: ${cause.message}` : "it uses something that is not supported here";
    throw new ProcessorError("chat-template", `the chat template failed: ${reason}`, {
      cause: cause instanceof Raised ? cause : undefined,
    });
  }
}

class Raised extends Error {}

/** Counts what a template does, and adds the filter `round`, which the library lacks. */
class Bounded extends BaseInterpreter {
  #steps = 0;
  readonly #maxLength: number;
  readonly #maxSteps: number;

  constructor(env: Environment, maxLength: number, maxSteps: number) {
    super(env);
    this.#maxLength = maxLength;
    this.#maxSteps = maxSteps;
  }

  override evaluate(node: Node | undefined, env: Environment): RuntimeValue {
    this.#step();
    const value = roundCall(node) ? this.#round(node, env) : super.evaluate(node, env);
    if (typeof value.value === "string" && value.value.length > this.#maxLength) {
      throw new ProcessorError(
        "chat-template-limit",
        `the chat template makes a text of more than ${this.#maxLength} characters`,
      );
    }
    return value;
  }

  override evaluateBlock(statements: readonly Node[], env: Environment): RuntimeValue {
    this.#step();
    return super.evaluateBlock(statements, env);
  }

  #step(): void {
    if (++this.#steps > this.#maxSteps) {
      throw new ProcessorError("chat-template-limit", `the chat template takes more than ${this.#maxSteps} steps`);
    }
  }

  /** Jinja's `round(precision=0, method="common")`: Python's round, an integer stays an integer. */
  #round(node: RoundNode, env: Environment): RuntimeValue {
    const operand = this.evaluate(node.operand, env);
    const [precision, ...rest] = (node.filter.args ?? []).map((arg) => this.evaluate(arg, env).value);
    const digits = precision ?? 0;
    if (rest.length > 0 || typeof digits !== "number" || typeof operand.value !== "number") {
      throw new ProcessorError(
        "chat-template",
        "the chat template uses the filter round other than round or round(digits)",
      );
    }
    if (operand instanceof IntegerValue && digits >= 0) return operand;
    return new FloatValue(roundDecimals(operand.value, digits));
  }
}

interface RoundNode extends Node {
  readonly operand: Node;
  readonly filter: { readonly args?: readonly Node[] };
}

interface FilterShape {
  readonly type: string;
  readonly filter?: { readonly type: string; readonly value?: string; readonly callee?: { readonly value?: string } };
}

function roundCall(node: Node | undefined): node is RoundNode {
  const { type, filter } = (node ?? { type: "" }) as FilterShape;
  return type === "FilterExpression" && (filter?.value === "round" || filter?.callee?.value === "round");
}

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
    throw new Raised(String(message));
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

/** The library keeps these classes to itself; its own conversions give instances of them. */
function classes() {
  const of = <T>(sample: T) => new BaseEnvironment().set("sample", sample).constructor as Make<T>;
  return {
    FloatValue: of(0.5),
    IntegerValue: of(1),
    ArrayValue: of([]) as unknown as Make<RuntimeValue[]>,
    ObjectValue: of({}) as unknown as Make<Map<string, RuntimeValue>>,
  };
}

const { FloatValue, IntegerValue, ArrayValue, ObjectValue } = classes();

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

function firstLine(cause: unknown): string {
  return cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : "unknown";
}
