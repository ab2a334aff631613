import { Dice } from "../dice.js";
import { golden, headerOf, sharded, withHeader } from "./golden.js";
import { leaf, print, type Tree, toTree } from "./json-tree.js";

export interface Mutant {
  readonly files: Map<string, Uint8Array>;
  /** What was done to the golden checkpoint. */
  readonly steps: readonly string[];
}

const decoder = new TextDecoder();
const bytes = (text: string) => new TextEncoder().encode(text);

const NAMES = [
  "__proto__",
  "constructor",
  "toString",
  "prototype",
  "length",
  "then",
  "",
  "0",
  "-1",
  "type",
  "\0",
  "\ud800",
];
const TEXTS = [
  ...NAMES,
  "../../etc/passwd",
  "/etc/passwd",
  "..\\..\\x",
  "C:\\x",
  "a/../../b",
  "x".repeat(5000),
  "(a+)+$",
  "(a|a)*b",
  "(",
  "(x{1000}){1000}",
  "(a)\\1",
  "[^\\s\\S]",
  "{% for i in range(1000000000) %}x{% endfor %}",
  "{% set ns = namespace(a='xx') %}{% for i in range(99) %}{% set ns.a = ns.a ~ ns.a %}{% endfor %}",
  "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
  "{{ messages }}",
  "{{ raise_exception('no') }}",
  "{{",
  "Sequence",
  "Replace",
  "Split",
  "FixedLength",
  "Metaspace",
  "ByteLevel",
  "WordPiece",
  "Unigram",
  "BPE",
  "<image>",
  "<|im_end|>",
  "Ġ",
  "F32",
  "F64",
  "I64",
  "llama",
  "qwen3",
  "video_llama_3",
  "linear",
  "identity",
  "mlp99x_gelu",
  "mlp3x_gelu",
].map((text) => JSON.stringify(text));
const NUMBERS = [
  "0",
  "-0",
  "-1",
  "1",
  "2",
  "3",
  "0.5",
  "1e-320",
  "1e9",
  "4294967296",
  "9007199254740993",
  "1e308",
  "1e999",
  "-1e999",
  "NaN",
  "Infinity",
];
const VALUES = [
  ...NUMBERS,
  "null",
  "true",
  "false",
  "[]",
  "{}",
  "[[]]",
  "[null]",
  "[0]",
  "[1,1]",
  '{"__proto__":{"x":1}}',
  '{"type":"Sequence"}',
  '{"type":"FixedLength","length":0}',
  '{"type":"Split","pattern":{"Regex":"(a+)+$"},"behavior":"Isolated","invert":false}',
  '{"type":"Replace","pattern":{"Regex":"(.*)*x"},"content":"yy"}',
  '{"String":""}',
  '{"Regex":"a*"}',
  '{"a":1,"a":2}',
  "[".repeat(200),
  `${"[".repeat(100)}${"]".repeat(100)}`,
];

/** Changes one to three things of the golden checkpoint, always the same for a seed. */
export function mutant(seed: number): Mutant {
  const dice = new Dice(seed);
  const files = dice.below(4) === 0 ? sharded() : golden();
  if (dice.below(2) === 0) files.delete("chat_template.jinja");
  const steps: string[] = [];
  for (let count = 1 + dice.below(3); count > 0; count--) {
    const name = dice.of([...files.keys()]);
    const file = files.get(name)!;
    const step = change(dice, name, file);
    steps.push(`${name}: ${step.what}`);
    files.set(name, step.file);
  }
  return { files, steps };
}

interface Step {
  readonly what: string;
  readonly file: Uint8Array;
}

function change(dice: Dice, name: string, file: Uint8Array): Step {
  if (name.endsWith(".jinja"))
    return dice.below(3) > 0 ? changeTemplate(dice, file) : changeBytes(dice, file, file.byteLength);
  if (!name.endsWith(".safetensors"))
    return dice.below(6) > 0 ? changeJson(dice, file) : changeBytes(dice, file, file.byteLength);
  if (headerIsWhole(file) && dice.below(3) > 0) {
    const step =
      dice.below(4) > 0
        ? changeJson(dice, headerOf(file))
        : changeBytes(dice, headerOf(file), headerOf(file).byteLength);
    const lies = dice.below(8) === 0;
    const length = lies ? BigInt(dice.of([0, 1, 7, 99_999_999, 100_000_001])) : undefined;
    return {
      what: `header${lies ? ` said to have ${length} bytes` : ""}, ${step.what}`,
      file: withHeader(file, step.file, length),
    };
  }
  return changeBytes(dice, file, 20_000);
}

function headerIsWhole(file: Uint8Array): boolean {
  if (file.byteLength < 8) return false;
  return new DataView(file.buffer, file.byteOffset).getBigUint64(0, true) <= BigInt(file.byteLength - 8);
}

function changeTemplate(dice: Dice, file: Uint8Array): Step {
  const text = decoder.decode(file);
  const pieces = text.split(/(?=\{[{%])/);
  const i = dice.below(pieces.length);
  const [what, put] = dice.of([
    ["left out", ""],
    ["twice", pieces[i]! + pieces[i]!],
    ["a hundred times", pieces[i]!.repeat(100)],
    ["before another", `${pieces[dice.below(pieces.length)]}${pieces[i]}`],
    ["another template", JSON.parse(dice.of(TEXTS)) as string],
  ] as const);
  return { what: `piece ${i} ${what}`, file: bytes(pieces.with(i, put).join("")) };
}

function changeBytes(dice: Dice, file: Uint8Array, most: number): Step {
  const at = dice.below(Math.min(most, file.byteLength));
  const length = 1 + dice.below(dice.of([1, 8, 64]));
  const piece = file.subarray(at, at + length);
  const join = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
  const [before, after] = [file.subarray(0, at), file.subarray(at + length)];
  const random = Uint8Array.from({ length }, () => dice.below(256));
  const bit = 1 << dice.below(8);
  switch (dice.below(5)) {
    case 0: {
      const flipped = file.slice();
      flipped[at] = flipped[at]! ^ bit;
      return { what: `bit ${bit} of byte ${at} flipped`, file: flipped };
    }
    case 1:
      return { what: `cut off at ${at}`, file: file.slice(0, at) };
    case 2:
      return { what: `${length} bytes put in at ${at}`, file: join(before, random, file.subarray(at)) };
    case 3:
      return { what: `${length} bytes at ${at} left out`, file: join(before, after) };
    default:
      return { what: `${length} bytes at ${at} twice`, file: join(before, piece, piece, after) };
  }
}

function changeJson(dice: Dice, file: Uint8Array): Step {
  let json: unknown;
  try {
    json = JSON.parse(decoder.decode(file));
  } catch {
    return changeBytes(dice, file, file.byteLength);
  }
  const holder: Tree = { kind: "list", items: [toTree(json)] };
  const [path, slot] = choose(dice, holder);
  const what = changeSlot(dice, slot);
  return { what: `${path} ${what}`, file: bytes(print(holder.items[0] ?? leaf(""))) };
}

/** A place in a tree: the entry of an object or the item of a list. */
interface Slot {
  readonly parent: Exclude<Tree, { kind: "leaf" }>;
  readonly index: number;
}

/** Goes down at random; every level is as likely to be the last. */
function choose(dice: Dice, root: Tree): [string, Slot] {
  let slot: Slot = { parent: root as Slot["parent"], index: 0 };
  let path = "$";
  for (;;) {
    const value = valueAt(slot);
    const size = value.kind === "object" ? value.entries.length : value.kind === "list" ? value.items.length : 0;
    if (value.kind === "leaf" || size === 0 || dice.below(4) === 0) return [path, slot];
    slot = { parent: value, index: dice.below(size) };
    path += value.kind === "object" ? `.${value.entries[slot.index]!.key.slice(0, 40)}` : `[${slot.index}]`;
  }
}

const valueAt = ({ parent, index }: Slot): Tree =>
  parent.kind === "object" ? parent.entries[index]!.value : parent.items[index]!;

function put({ parent, index }: Slot, value: Tree): void {
  if (parent.kind === "object") parent.entries[index]!.value = value;
  else parent.items[index] = value;
}

function changeSlot(dice: Dice, slot: Slot): string {
  const { parent, index } = slot;
  const value = valueAt(slot);
  const number = value.kind === "leaf" ? Number(value.text) : Number.NaN;
  switch (dice.below(7)) {
    case 0: {
      if (parent.kind === "object") parent.entries.splice(index, 1);
      else parent.items.splice(index, 1);
      return "left out";
    }
    case 1: {
      if (parent.kind !== "object") break;
      const name = dice.of(NAMES);
      parent.entries[index]!.key = name;
      return `renamed to ${JSON.stringify(name)}`;
    }
    case 2: {
      if (parent.kind === "object") parent.entries.push({ ...parent.entries[index]! });
      else parent.items.push(parent.items[index]!);
      return "twice";
    }
    case 3: {
      const size = parent.kind === "object" ? parent.entries.length : parent.items.length;
      const other: Slot = { parent, index: dice.below(size) };
      const [a, b] = [valueAt(slot), valueAt(other)];
      put(slot, b);
      put(other, a);
      return `changed with number ${other.index}`;
    }
    case 4: {
      if (Number.isNaN(number)) break;
      const scaled = dice.of([number * 2, number * 1e9, number + 1, number - 1, -number, number / 2]);
      put(slot, leaf(String(scaled)));
      return `is ${scaled}`;
    }
    case 5: {
      const text = dice.of(TEXTS);
      put(slot, leaf(text));
      return `is ${text.slice(0, 60)}`;
    }
    default:
      break;
  }
  const text = dice.of(VALUES);
  put(slot, leaf(text));
  return `is ${text.slice(0, 60)}`;
}
