import type { Files } from "../format.js";
import { latin } from "../layout.js";
import { describe } from "./dicom-seeds.js";
import { dicomFile, EXPLICIT, encapsulated, fragmentsOf, IMPLICIT, type Tag } from "./dicom-write.js";
import { rle } from "./encoders.js";
import { pattern, sample } from "./seeds.js";

const SIZE = { rows: 8, columns: 6, bits: 16, stored: 12 } as const;

/** One slice; what is given stands instead of what {@link describe} gives. */
function slice(number: number, tags: readonly Tag[], compressed = false): Uint8Array {
  const own: readonly Tag[] = [
    [0x00080018, "UI", `1.2.3.9.${number}`],
    [0x00200013, "IS", String(number)],
    [0x00281052, "DS", String(-100 * number)],
    [0x00281053, "DS", "2"],
    ...tags,
  ];
  const instead = new Set(own.map(([tag]) => tag));
  const all = [...describe(SIZE).filter(([tag]) => !instead.has(tag)), ...own];
  const pixels = Uint8Array.from(pattern(SIZE.columns * 2, SIZE.rows, 1, 200 + number));
  return compressed
    ? dicomFile([...all, [0x7fe00010, "OB", fragmentsOf([rle(pixels, 1, 2)], true)]], encapsulated("5"))
    : dicomFile([...all, [0x7fe00010, "OW", pixels]], number % 3 === 0 ? IMPLICIT : EXPLICIT);
}

const at = (x: number, y: number, z: number): Tag => [0x00200032, "DS", `${x}\\${y}\\${z}`];
const turned: Tag = [0x00200037, "DS", "0\\1\\0\\0\\0\\-1"];

/** A stack, a tilted one, one of two moments, two orientations, one with a gap and a duplicate, no positions, a mixed folder. */
export function seriesSeeds(): readonly Files[] {
  const numbers = [3, 1, 4, 2, 5];
  const stack = numbers.map((n) => slice(n, [at(0, 0, n * 3), [0x00200037, "DS", "1\\0\\0\\0\\1\\0"]]));
  const tilted = numbers.map((n) => slice(n, [at(0, n * 1.8, n * 2.4)], true));
  const moments = [1, 2, 3, 4, 5, 6].map((n) =>
    slice(n, [at(0, 0, (n % 3) * 2), [0x00200100, "IS", String(1 + (n >> 2))]]),
  );
  const mixed = [...stack.slice(0, 3), ...[7, 8].map((n) => slice(n, [at(n, 0, 0), turned])), stack[0]!];
  const gap = [1, 2, 3, 7].map((n) => slice(n, [at(0, 0, n)]));
  const bare = [1, 2].map((n) => slice(n, [[0x00200032, "DS", ""]]));
  const others = [stack[0]!, latin("no DICOM"), slice(9, [[0x0020000e, "UI", "1.2.3.4.7"]]), stack[1]!];
  const tiny = ["2062", "2392", "2693"].map((name) => sample(`3d/ct_series_tiny/${name}.dcm`));
  return [stack, tilted, moments, mixed, gap, bare, others, tiny];
}
