import { printDims } from "../graph/axis.js";
import { printSize } from "../graph/size.js";
import { type Module, paths } from "../nn/module.js";
import type { WeightSource } from "./source.js";

/** How a checkpoint and a model differ. */
export interface WeightReport {
  /** Paths that the model reads and the checkpoint lacks. */
  readonly missing: readonly string[];
  /** Paths that the checkpoint has and the model never reads. */
  readonly unexpected: readonly string[];
  /** Paths with another shape on either side. */
  readonly misshaped: readonly {
    readonly path: string;
    readonly found: readonly number[];
    readonly wanted: readonly number[];
  }[];
  /** Paths that the model does not read and that do no harm, such as a stored head beside a tied one. */
  readonly unused: readonly string[];
}

/** A checkpoint does not fit its model; the message lists everything that is wrong, the report has it as data. */
export class WeightError extends Error {
  override readonly name = "WeightError";
  constructor(
    message: string,
    readonly report: WeightReport,
  ) {
    super(message);
  }
}

/** Compare a checkpoint with a model's parameters, before a byte of weights is read. */
export function reportWeights(
  root: Module<unknown>,
  weights: WeightSource,
  allowed: (path: string) => boolean = () => false,
): WeightReport {
  const wanted = paths(root);
  const missing: string[] = [];
  const misshaped: { path: string; found: readonly number[]; wanted: readonly number[] }[] = [];
  for (const [path, param] of wanted) {
    const shape = param.dims.map((d) => d.size as number);
    const found = weights.info(path)?.shape;
    if (found === undefined) missing.push(path);
    else if (found.length !== shape.length || found.some((n, i) => n !== shape[i]))
      misshaped.push({ path, found, wanted: shape });
  }
  const extra = [...weights.keys()].filter((key) => !wanted.has(key));
  return { missing, misshaped, unexpected: extra.filter((k) => !allowed(k)), unused: extra.filter(allowed) };
}

const SHOWN = 12;
/** Characters of a name that is shown; the longest of a known model has some 80. */
const SHOWN_NAME = 200;

/** A stranger's name in a message: not longer than a line or two, and without what a terminal would obey. */
function printName(name: string): string {
  const cut = name.length > SHOWN_NAME ? `${name.slice(0, SHOWN_NAME)}... (${name.length} characters)` : name;
  return cut.replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`);
}

/**
 * Hold a checkpoint against a model.
 * @throws WeightError with every missing, unexpected and mis-shaped tensor in one message
 */
export function checkWeights(
  root: Module<unknown>,
  weights: WeightSource,
  allowed?: (path: string) => boolean,
): WeightReport {
  const report = reportWeights(root, weights, allowed);
  const wanted = paths(root);
  const list = (title: string, lines: readonly string[]) => {
    if (lines.length === 0) return [];
    const more = lines.length > SHOWN ? [`    ... and ${lines.length - SHOWN} more`] : [];
    return [`  ${title} (${lines.length}):`, ...lines.slice(0, SHOWN).map((line) => `    ${line}`), ...more];
  };
  const axes = (path: string) => printDims(wanted.get(path)?.dims ?? []);
  const message = [
    ...list(
      "missing",
      report.missing.map((p) => `${p} [${axes(p)}]`),
    ),
    ...list(
      "mis-shaped",
      report.misshaped.map((m) => `${m.path}  checkpoint [${m.found.join(", ")}], model [${axes(m.path)}]`),
    ),
    ...list(
      "unexpected",
      report.unexpected.map((p) => `${printName(p)} [${weights.info(p)?.shape.map(printSize).join(", ")}]`),
    ),
  ];
  if (message.length > 0)
    throw new WeightError(`the checkpoint does not fit the model:\n${message.join("\n")}`, report);
  return report;
}
