import { stat } from "node:fs/promises";
import { openModel, planVisual } from "@hulu/engine";
import { DEFAULT_CONFIG, type PreprocessorConfig } from "@hulu/processor";
import type { Io } from "./command.js";
import { UsageError } from "./errors.js";
import { openShown, type Shown, warningsOf } from "./input/open.js";
import { inputOptionsOf } from "./input/options.js";
import { describedInput, describedPlan, type Sent } from "./inspect-report.js";
import type { Parsed } from "./options.js";
import { lookThrough } from "./preview/preview.js";
import { checkTarget, writePng } from "./preview/write.js";
import { pruneOptionsOf } from "./prune-options.js";
import { sourceOptions } from "./source.js";

/** How a model cuts up what it is shown. */
interface Eye {
  readonly preprocessor: PreprocessorConfig;
  /** Whether visual tokens are pruned unless it is said how. */
  readonly prunes: boolean;
  /** Where this is from, in words. */
  readonly from: string;
}

/** Show what inputs are, and what a model will be sent of them as one prompt. */
export async function inspectInputs(
  files: readonly string[],
  model: string | undefined,
  parsed: Parsed,
  io: Io,
): Promise<number> {
  const preview = parsed.text("preview");
  if (preview !== undefined) await checkTarget(preview, files);
  const reading = inputOptionsOf(parsed);
  const asked = pruneOptionsOf(parsed);
  const eye = await eyeOf(model, parsed, io);
  const shown: Shown[] = [];
  for (const file of files) shown.push(...(await openShown(file, undefined, reading, io.signal)));
  for (const text of warningsOf(shown)) io.note(`${text}\n`);
  const plans = planVisual(
    shown.map(({ source }) => source),
    eye.preprocessor,
    { ...asked, prune: asked.prune ?? (eye.prunes ? "released" : "off") },
  );
  const { kept, sheet } = await lookThrough(shown, plans, eye.preprocessor, preview !== undefined, io.signal);
  if (preview !== undefined) await writePng(sheet!.image, preview);
  const reports: Sent[] = [];
  for (const [i, input] of shown.entries())
    reports.push({ input, bytes: await bytesOf(input.file), plan: plans[i]!, kept: kept[i] });
  io.out(parsed.flag("json") ? json(reports, eye) : text(reports, eye));
  if (preview !== undefined) tellSheet(io, preview, shown, (i) => sheet!.shown(i).length);
  return 0;
}

async function eyeOf(model: string | undefined, parsed: Parsed, io: Io): Promise<Eye> {
  if (model === undefined) return { preprocessor: DEFAULT_CONFIG, prunes: true, from: "the defaults of Hulu-Med" };
  const checkpoint = await openModel(model, { ...sourceOptions(parsed, io), ranges: true, signal: io.signal });
  try {
    const { preprocessor, config } = checkpoint;
    if (preprocessor === undefined) throw new UsageError("this model is a language model: it is shown nothing");
    return { preprocessor, prunes: config.tokenCompression, from: "the checkpoint" };
  } finally {
    await checkpoint.stored.close();
  }
}

/** Of a file; of a folder there is no one size. */
async function bytesOf(file: string): Promise<number | undefined> {
  const found = await stat(file);
  return found.isFile() ? found.size : undefined;
}

function json(reports: readonly Sent[], { preprocessor, from }: Eye): string {
  const inputs = reports.map(describedInput);
  return `${JSON.stringify({ inputs, ...sums(reports), preprocessor, preprocessorFrom: from })}\n`;
}

function text(reports: readonly Sent[], { preprocessor, from }: Eye): string {
  const { tokens, kept } = sums(reports);
  const all = `${tokens.toLocaleString("en-US")}${kept === undefined || kept === tokens ? "" : `, ${kept.toLocaleString("en-US")} after pruning`}`;
  return [
    ...reports.flatMap((report) => [...describedPlan(report), ""]),
    `${"visual tokens".padEnd(18)}${all}`,
    `${"by".padEnd(18)}${from}: patches of ${preprocessor.patchSize} pixels, ${preprocessor.minTokens} to ${preprocessor.maxTokens} tokens`,
    "",
  ].join("\n");
}

/** Of all inputs together; `kept` is undefined where only the model can tell. */
function sums(reports: readonly Sent[]): { readonly tokens: number; readonly kept: number | undefined } {
  const tokens = reports.reduce((n, { plan }) => n + plan.tokens, 0);
  const kept = reports.reduce<number | undefined>(
    (n, report) => (n === undefined || report.kept === undefined ? undefined : n + report.kept),
    0,
  );
  return { tokens, kept };
}

function tellSheet(io: Io, file: string, shown: readonly Shown[], onSheet: (input: number) => number): void {
  const left = shown.reduce((n, { source }, i) => n + source.count - onSheet(i), 0);
  io.note(`${file}: the pixels as they are sent${left === 0 ? "" : `; ${left} frames are left out of the sheet`}\n`);
}
