import { ProcessorError } from "../errors.js";
import {
  BaseInterpreter,
  type BinaryNode,
  type Environment,
  type FilterExpression,
  type FilterNode,
  FloatValue,
  type ForNode,
  FunctionValue,
  IntegerValue,
  type MemberNode,
  type Node,
  type RuntimeValue,
  type WithMethods,
} from "./jinja-library.js";
import { countNodes, ITEM, limit, Scale } from "./jinja-size.js";
import { roundDecimals } from "./number.js";

/** What a template may cost; past it rendering stops with `chat-template-limit`. */
export interface JinjaLimits {
  /** Characters of any string that the template makes, and of any list or dictionary written out. Default 2^20. */
  readonly maxLength?: number;
  /** Evaluated nodes and turns of loops. Default 2^19. */
  readonly maxSteps?: number;
}

/** Characters that a template may read or write for each step that it may take: operations cost what they touch. */
const CHARACTERS_PER_STEP = 128;
/** What each place that `replace` changes counts, in characters: a text that is put together piece by piece. */
const PLACE = 32;
/** What each character of a text that is sliced counts: the library makes a list of them all. */
const SLICED = 16;
/** A turn of a loop makes two scopes and the ten values of `loop`. */
const STEPS_PER_TURN = 10;
/** What `tojson` may be told to put between values. */
const MAX_INDENT = 16;

/** An argument that is evaluated already. */
class Held implements Node {
  readonly type = "Held";
  constructor(readonly value: RuntimeValue) {}
}

/** Counts what a template does, and adds the filter `round`, which the library lacks. */
export class Bounded extends BaseInterpreter {
  #steps = 0;
  #characters = 0;
  readonly #scale: Scale;
  readonly #maxSteps: number;

  constructor(env: Environment, { maxLength = 2 ** 20, maxSteps = 2 ** 19 }: JinjaLimits) {
    super(env);
    this.#scale = new Scale(maxLength);
    this.#maxSteps = maxSteps;
  }

  override evaluate(node: Node | undefined, env: Environment): RuntimeValue {
    if (node instanceof Held) return node.value;
    this.#step(1);
    const value = roundCall(node) ? this.#round(node, env) : super.evaluate(node, env);
    if (typeof value.value !== "string") this.#weighNew(value);
    else this.#checkLength(this.#touch(value.value.length));
    return value;
  }

  override evaluateBlock(statements: readonly Node[], env: Environment): RuntimeValue {
    this.#step(1);
    return super.evaluateBlock(statements, env);
  }

  override evaluateFor(node: ForNode, env: Environment): RuntimeValue {
    const { iterable } = node;
    const chosen = iterable.type === "SelectExpression";
    const list = this.evaluate(chosen ? iterable.lhs : iterable, env);
    // The library makes a scope for every item before the first turn.
    if (Array.isArray(list.value)) this.#step(list.value.length * STEPS_PER_TURN);
    const held = new Held(list);
    return super.evaluateFor({ ...node, iterable: chosen ? { ...iterable, lhs: held } : held }, env);
  }

  // The library looks through the whole body each time that a macro is met.
  override evaluateMacro(node: Node, env: Environment): RuntimeValue {
    this.#step(countNodes(node));
    return super.evaluateMacro(node, env);
  }

  override evaluateCallStatement(node: Node, env: Environment): RuntimeValue {
    this.#step(countNodes(node));
    return super.evaluateCallStatement(node, env);
  }

  override evaluateBinaryExpression(node: BinaryNode, env: Environment): RuntimeValue {
    const operator = node.operator.value;
    if (operator === "and" || operator === "or") return super.evaluateBinaryExpression(node, env);
    const left = this.evaluate(node.left, env);
    const right = this.evaluate(node.right, env);
    this.#touch(this.#scale.weigh(left) + this.#scale.weigh(right));
    return super.evaluateBinaryExpression({ ...node, left: new Held(left), right: new Held(right) }, env);
  }

  override evaluateMemberExpression(node: MemberNode, env: Environment): RuntimeValue {
    const object = this.evaluate(node.object, env);
    if (typeof object.value === "string" && node.property.type === "SliceExpression")
      this.#touch(object.value.length * SLICED);
    const member = super.evaluateMemberExpression({ ...node, object: new Held(object) }, env);
    if (typeof object.value !== "string" || member.type !== "FunctionValue") return member;
    const replace = (object as WithMethods).builtins.get("replace") === member;
    const call = member.value as (args: readonly RuntimeValue[], env: Environment) => RuntimeValue;
    return new FunctionValue((args, scope) => {
      this.#touch(this.#scale.weigh(object));
      if (replace) this.#checkReplace(object, args);
      return call(args, scope);
    });
  }

  override applyFilter(operand: RuntimeValue, filter: FilterNode, env: Environment): RuntimeValue {
    const size = this.#touch(this.#scale.weigh(operand));
    const name = filter.callee?.value ?? "";
    if (!["replace", "join", "indent", "tojson"].includes(name)) return super.applyFilter(operand, filter, env);
    const [args, named] = this.evaluateArguments(filter.args ?? [], env);
    if (name === "replace") this.#checkReplace(operand, args);
    if (name === "join") this.#checkJoin(operand, size, args[0] ?? named.get("separator"));
    if (name === "indent") this.#checkIndent(operand, size, args[0] ?? named.get("width"));
    if (name === "tojson") this.#checkJson(named);
    const held = [
      ...args.map((value) => new Held(value)),
      ...[...named].map(([key, value]) => ({
        type: "KeywordArgumentExpression",
        key: { value: key },
        value: new Held(value),
      })),
    ];
    return super.applyFilter(operand, { ...filter, args: held }, env);
  }

  /** A value that was just made costs a step for each of its items; one that was seen before costs nothing. */
  #weighNew(value: RuntimeValue): void {
    const before = this.#scale.visited;
    this.#scale.weigh(value);
    this.#step(this.#scale.visited - before);
  }

  #step(count: number): void {
    this.#steps += count;
    if (this.#steps > this.#maxSteps) throw limit(`takes more than ${this.#maxSteps} steps`);
  }

  /** @returns the count it was given */
  #touch(characters: number): number {
    this.#characters += characters;
    if (this.#characters > this.#maxSteps * CHARACTERS_PER_STEP)
      throw limit(`reads and writes more than ${this.#maxSteps * CHARACTERS_PER_STEP} characters`);
    return characters;
  }

  #checkLength(characters: number): void {
    if (characters > this.#scale.most) throw limit(`makes a text of more than ${this.#scale.most} characters`);
  }

  #checkReplace({ value: text }: RuntimeValue, [from, to]: readonly RuntimeValue[]): void {
    if (typeof text !== "string" || typeof from?.value !== "string" || typeof to?.value !== "string") return;
    const times = from.value === "" ? text.length + 1 : text.split(from.value).length - 1;
    this.#touch(times * PLACE);
    this.#checkLength(text.length + times * to.value.length);
  }

  #checkJoin({ value: list }: RuntimeValue, size: number, separator: RuntimeValue | undefined): void {
    const items = Array.isArray(list) || typeof list === "string" ? list.length : 0;
    if (typeof separator?.value === "string")
      this.#checkLength(size - ITEM * (items + 1) + items * separator.value.length);
  }

  #checkIndent({ value: text }: RuntimeValue, size: number, width: RuntimeValue | undefined): void {
    if (typeof text !== "string" || typeof width?.value !== "number") return;
    this.#checkLength(size - ITEM + text.split("\n").length * Math.max(0, width.value));
  }

  #checkJson(named: ReadonlyMap<string, RuntimeValue>): void {
    const indent = named.get("indent")?.value;
    if (typeof indent === "number" && !(indent >= 0 && indent <= MAX_INDENT))
      throw limit(`calls tojson with an indent of more than ${MAX_INDENT}`);
    const separators = named.get("separators");
    if (separators !== undefined && this.#scale.weigh(separators) > 64)
      throw limit("calls tojson with long separators");
  }

  /** Jinja's `round(precision=0, method="common")`: Python's round, an integer stays an integer. */
  #round(node: FilterExpression, env: Environment): RuntimeValue {
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

function roundCall(node: Node | undefined): node is FilterExpression {
  if (node?.type !== "FilterExpression") return false;
  const { filter } = node as FilterExpression;
  return filter.value === "round" || filter.callee?.value === "round";
}
