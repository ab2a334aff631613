import type { InputWarning } from "../input/warning.js";
import { stackGaps } from "./geometry.js";
import type { Group } from "./group.js";
import type { Ordered } from "./order.js";
import type { Scan } from "./scan.js";

/** What is odd about a group itself. */
export function groupWarnings(group: Group, ordered: Ordered, scan: Scan): InputWarning[] {
  return [
    ...orderWarnings(ordered),
    ...splitWarnings(ordered),
    ...gapWarnings(ordered),
    ...partWarnings(group),
    ...duplicateWarnings(group, scan),
    ...fileWarnings(group, scan),
  ];
}

/** What else there was. */
export function otherWarnings(group: Group, groups: readonly Group[], scan: Scan): InputWarning[] {
  const others = groups.length - 1;
  if (others === 0) return [...scan.warnings];
  const named = groups.slice(0, 9).filter((other) => other !== group);
  const counts = named.slice(0, 8).map(({ slices }) => slices.length);
  const message =
    others === 1
      ? `there is another series, of ${slicesOf(counts[0]!)}`
      : `there are ${others} other series, of ${counts.join(", ")}${others > 8 ? ", ..." : ""} slices`;
  return [{ code: "series-other", message }, ...scan.warnings];
}

const slicesOf = (count: number) => (count === 1 ? "1 slice" : `${count} slices`);

function orderWarnings({ orderedBy, stacks }: Ordered): InputWarning[] {
  if (orderedBy === "position" || stacks[0]!.slices.length === 1) return [];
  const by = orderedBy === "file" ? "they are in the order of the files" : `they are sorted by ${orderedBy}`;
  return [{ code: "series-order", message: `the slices do not say where they lie; ${by}` }];
}

function splitWarnings({ stacks, splitBy, spare }: Ordered): InputWarning[] {
  if (splitBy === undefined) return [];
  const counts = stacks.map(({ slices }) => slices.length);
  const volumes =
    stacks.length === 1
      ? "slices lie at the same places; one of each is taken"
      : `${stacks.length} volumes of ${range(counts)} slices lie at the same places, told apart by ${splitBy}; volumeIndex chooses`;
  const lost = spare > 0 ? `; ${slicesOf(spare)} left out` : "";
  return [{ code: "series-4d", message: volumes + lost }];
}

const range = (counts: readonly number[]): string => {
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return least === most ? String(least) : `${least} to ${most}`;
};

function gapWarnings({ stacks }: Ordered): InputWarning[] {
  const uneven = stacks.map(stackGaps).find((found) => found?.even === false);
  if (uneven === undefined) return [];
  const { gaps, usual, missing } = uneven;
  const [least, most] = [Math.min(...gaps), Math.max(...gaps)].map(mm);
  const lost = missing > 0 ? `; ${slicesOf(missing)} may be missing` : "";
  const message = `the slices lie ${least} to ${most} mm apart, most of them ${mm(usual)} mm${lost}`;
  return [{ code: "series-gap", message }];
}

const mm = (length: number): string => String(Number(length.toFixed(3)));

function partWarnings({ parts, slices }: Group): InputWarning[] {
  if (parts === 1) return [];
  const message = `the series has slices of ${parts} orientations or spacings; ${slices.length} of them are this one`;
  return [{ code: "series-mixed-orientation", message }];
}

function duplicateWarnings({ slices }: Group, { duplicates }: Scan): InputWarning[] {
  const count = duplicates.get(slices[0]!.header.seriesUid) ?? 0;
  if (count === 0) return [];
  const files = count === 1 ? "1 file is" : `${count} files are`;
  return [{ code: "series-duplicate", message: `${files} there more than once (same SOP Instance UID); one is taken` }];
}

/** What the files' headers warn of, each once. */
function fileWarnings({ slices }: Group, scan: Scan): InputWarning[] {
  const found = new Map<string, InputWarning>();
  for (const { file } of slices)
    for (const warning of scan.fileWarnings.get(file) ?? [])
      if (!found.has(warning.code)) found.set(warning.code, warning);
  return [...found.values()];
}
