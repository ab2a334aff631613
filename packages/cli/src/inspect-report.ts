import { basename } from "node:path";
import type { VisualPlan } from "@hulu/engine";
import type { InputFacts } from "@hulu/processor";
import type { Shown } from "./input/open.js";

/** One input, and what is sent of it. */
export interface Sent {
  readonly input: Shown;
  /** Of the file. */
  readonly bytes: number | undefined;
  readonly plan: VisualPlan;
  /** Tokens that pruning leaves; undefined where only the model can tell. */
  readonly kept: number | undefined;
}

/** For a program. */
export function describedInput({ input, bytes, plan, kept }: Sent) {
  const { file, format, source, warnings, known } = input;
  const { size, grid, merge, tokensPerFrame, tokens, prune } = plan;
  return {
    file,
    format,
    kind: source.kind,
    ...(bytes !== undefined && { bytes }),
    ...known,
    warnings,
    sent: {
      frames: source.count,
      width: size.width,
      height: size.height,
      ...(source.timestamps && { timestamps: source.timestamps }),
      grid,
      merge,
      tokensPerFrame,
      tokens,
      kept: kept ?? null,
      pruning: prune ?? { rule: "off" },
    },
  };
}

/** For a person: a field a line. */
export function* describedPlan({ input, bytes, plan, kept }: Sent): Generator<string> {
  const { file, format, source, known } = input;
  const line = (name: string, text: string) => `  ${name.padEnd(16)}${text}`;
  yield file === basename(file) ? file : `${basename(file)} (${file})`;
  yield line("format", bytes === undefined ? format : `${format}, ${count(bytes)} bytes`);
  yield line("size", `${known.width} x ${known.height}, ${plural(known.frames, frameWord(source.kind))}`);
  for (const [name, text] of details(known)) yield line(name, text);
  yield line("shown as", shownAs(input));
  yield line("sent as", `${plan.size.width} x ${plan.size.height} pixels, ${plan.grid[2]} x ${plan.grid[1]} patches`);
  yield line("tokens", tokensOf(plan, kept));
}

const count = (n: number): string => n.toLocaleString("en-US");
const plural = (n: number, word: string): string => `${count(n)} ${word}${n === 1 ? "" : "s"}`;
const frameWord = (kind: string): string => (kind === "volume" ? "slice" : "frame");
const rounded = (x: number): string => String(Number(x.toFixed(4)));

function* details(known: InputFacts): Generator<readonly [string, string]> {
  const { modality, transferSyntax, photometric, bits, spacing, axcodes, volumes, series, codec } = known;
  if (modality !== undefined) yield ["modality", modality];
  const stored = [photometric, bits === undefined ? undefined : `${bits} bits`, transferSyntax, codec];
  const told = stored.filter((part) => part !== undefined);
  if (told.length > 0) yield ["stored as", told.join(", ")];
  if (spacing !== undefined) yield ["spacing", `${spacing.map(rounded).join(" x ")} mm`];
  if (axcodes !== undefined) yield ["axes run to", axcodes];
  if (volumes !== undefined) yield ["volumes", count(volumes)];
  if (series !== undefined) yield ["series", `${series} (a hash)`];
  if (known.seconds !== undefined)
    yield [
      "length",
      `${rounded(known.seconds)} s${known.fps === undefined ? "" : `, ${rounded(known.fps)} frames a second`}`,
    ];
  if (known.rescale !== undefined) yield ["rescale", described(known.rescale)];
  if (known.window !== undefined) yield ["window", windowText(known.window)];
}

const described = (record: object | string): string =>
  typeof record === "string"
    ? record
    : Object.entries(record)
        .map(([name, value]) => `${name} ${typeof value === "number" ? rounded(value) : String(value)}`)
        .join(", ");

function windowText(window: NonNullable<InputFacts["window"]>): string {
  if (typeof window === "string") return window;
  const { from, ...rest } = window;
  const source =
    typeof from === "string"
      ? from
      : Object.entries(from)
          .map(([what, number]) => `${what} ${number}`)
          .join("");
  return [source, described(rest)].filter((part) => part !== "").join(": ");
}

/** The first few numbers, and the last. */
function listed(numbers: readonly number[], text: (n: number) => string): string {
  const first = numbers.slice(0, 6).map(text);
  return numbers.length <= 7 ? numbers.map(text).join(", ") : `${first.join(", ")}, ..., ${text(numbers.at(-1)!)}`;
}

function shownAs({ source, known }: Shown): string {
  if (source.kind === "image") return known.frames > 1 ? `a picture, frame ${known.indices?.[0] ?? 0}` : "a picture";
  const numbers = known.indices === undefined ? "all" : listed(known.indices, String);
  const times = source.timestamps && `; at ${listed(source.timestamps, rounded)} s`;
  return `${source.kind === "volume" ? "a volume" : "a video"}, ${plural(source.count, frameWord(source.kind))}: ${numbers}${times ?? ""}`;
}

function tokensOf({ tokensPerFrame, tokens, prune, merge }: VisualPlan, kept: number | undefined): string {
  const merged = merge === 1 ? "" : `, of ${merge} x ${merge} patches each`;
  const all = `${count(tokens)} (${count(tokensPerFrame)} a frame${merged})`;
  if (prune === undefined) return `${all}, none pruned`;
  if (kept === undefined) return `${all}; what the rule ${prune.rule} leaves, the model decides`;
  return `${all}, ${count(kept)} after pruning (${prune.rule})`;
}
