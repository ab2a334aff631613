import { Environment as LibraryEnvironment, Interpreter as LibraryInterpreter, parse } from "@huggingface/jinja";

// The library's declarations do not resolve under NodeNext: what is used of it is written down here.

export interface RuntimeValue {
  readonly type: string;
  readonly value: unknown;
}
/** Texts and dictionaries have methods; they are looked up here. */
export interface WithMethods extends RuntimeValue {
  readonly builtins: ReadonlyMap<string, RuntimeValue>;
}
export interface Environment {
  /** Declares a JavaScript value. */
  set(name: string, value: unknown): RuntimeValue;
  setVariable(name: string, value: RuntimeValue): RuntimeValue;
}
export interface Node {
  readonly type: string;
}
export interface ForNode extends Node {
  /** A list, or `LIST if TEST`. */
  readonly iterable: Node & { readonly lhs?: Node };
}
export interface BinaryNode extends Node {
  readonly operator: { readonly value: string };
  readonly left: Node;
  readonly right: Node;
}
export interface MemberNode extends Node {
  readonly object: Node;
  readonly property: Node;
}
/** `NAME`, or `NAME(ARGUMENTS)`. */
export interface FilterNode extends Node {
  readonly value?: string;
  readonly callee?: { readonly value?: string };
  readonly args?: readonly Node[];
}
export interface FilterExpression extends Node {
  readonly operand: Node;
  readonly filter: FilterNode;
}
type Named = ReadonlyMap<string, RuntimeValue>;

interface Interpreter {
  run(program: Node): RuntimeValue;
  evaluate(node: Node | undefined, env: Environment): RuntimeValue;
  /** A body: of the whole, of a branch, of one turn of a loop. */
  evaluateBlock(statements: readonly Node[], env: Environment): RuntimeValue;
  evaluateArguments(args: readonly Node[], env: Environment): [readonly RuntimeValue[], Named];
  evaluateBinaryExpression(node: BinaryNode, env: Environment): RuntimeValue;
  evaluateMemberExpression(node: MemberNode, env: Environment): RuntimeValue;
  evaluateFor(node: ForNode, env: Environment): RuntimeValue;
  evaluateMacro(node: Node, env: Environment): RuntimeValue;
  evaluateCallStatement(node: Node, env: Environment): RuntimeValue;
  applyFilter(operand: RuntimeValue, filter: FilterNode, env: Environment): RuntimeValue;
}
type Make<T> = new (value: T) => RuntimeValue;
type Call = (args: readonly RuntimeValue[], env: Environment) => RuntimeValue;

export const BaseEnvironment = LibraryEnvironment as unknown as new () => Environment;
export const BaseInterpreter = LibraryInterpreter as unknown as new (env: Environment) => Interpreter;
export const parseTemplate = parse as unknown as (tokens: unknown) => Node;

/** The library keeps these classes to itself; its own conversions give instances of them. */
function classes() {
  const of = <T>(sample: unknown) => new BaseEnvironment().set("sample", sample).constructor as Make<T>;
  return {
    FloatValue: of<number>(0.5),
    IntegerValue: of<number>(1),
    ArrayValue: of<RuntimeValue[]>([]),
    ObjectValue: of<Map<string, RuntimeValue>>({}),
    FunctionValue: of<Call>(() => null),
  };
}

export const { FloatValue, IntegerValue, ArrayValue, ObjectValue, FunctionValue } = classes();
