import { Dice } from "../dice.js";
import type { Files, Format, Inner } from "./format.js";
import { change } from "./mutate.js";

export interface Mutant {
  readonly files: Files;
  /** What was done, in words. */
  readonly steps: readonly string[];
}

/** Changes one to three things of one of a format's seeds, always the same for a number. */
export async function mutant(format: Format, number: number): Promise<Mutant> {
  const dice = new Dice(number);
  const seeds = await format.seeds();
  const files = [...dice.of(seeds)];
  const other = dice.of(dice.of(seeds));
  const steps: string[] = [];
  for (let count = dice.of([1, 1, 1, 2, 2, 3]); count > 0; count--) {
    const i = dice.below(files.length);
    const step =
      files.length > 1 && dice.below(8) === 0 ? changeList(dice, files, i) : changeFile(dice, format, files, i, other);
    steps.push(files.length > 1 ? `file ${i}: ${step}` : step);
  }
  if (format.mend !== undefined && dice.below(2) === 0) {
    files.forEach((file, i) => {
      files[i] = format.mend!(file);
    });
    steps.push("lengths and sums put right");
  }
  return { files, steps };
}

/** At least one stays. */
function changeList(dice: Dice, files: Uint8Array[], i: number): string {
  if (files.length > 1 && dice.below(2) === 0) {
    files.splice(i, 1);
    return "left out";
  }
  files.splice(dice.below(files.length), 0, files[i]!);
  return "twice";
}

function changeFile(dice: Dice, format: Format, files: Uint8Array[], i: number, other: Uint8Array): string {
  const bytes = files[i]!;
  const [inner, where] = descend(dice, format, bytes);
  if (inner === undefined) {
    const step = change(dice, bytes, format.layout(bytes), { bytes: other, layout: format.layout(other) });
    files[i] = step.bytes;
    return step.what;
  }
  const { content } = inner;
  const twin = (format.inner?.(other) ?? []).find(({ what }) => what === inner.what)?.content ?? content;
  const step = change(dice, content, inner.layout(content), { bytes: twin, layout: inner.layout(twin) });
  files[i] = inner.close(step.bytes);
  return `${where}: ${step.what}`;
}

/** Mostly what is packed, where something is. */
function descend(dice: Dice, format: Format, bytes: Uint8Array): [Inner | undefined, string] {
  if (format.inner === undefined || dice.below(5) < 2) return [undefined, ""];
  const all = format.inner(bytes);
  if (all.length === 0) return [undefined, ""];
  const inner = dice.of(all);
  return [inner, inner.what];
}
