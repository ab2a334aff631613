import { type Staged, stage, syncFolder } from "./atomic.js";
import { INDEX_FILE, SINGLE_FILE } from "./checkpoint.js";
import { fail } from "./error.js";
import { checkTensor, layOut } from "./layout.js";
import { filing, node } from "./node.js";
import { collect, type TensorInput, type TensorInputs, type WriteOptions, writeLayout } from "./writer.js";

export interface CheckpointOptions extends WriteOptions {
  /** Most bytes of tensors in one file; a larger tensor gets a file of its own. Default: 5 GB, as on the Hub. */
  readonly maxShardBytes?: number;
  /** Replace the checkpoint that the folder holds; else a folder with one is `exists`. */
  readonly overwrite?: boolean;
}

const DEFAULT_SHARD_BYTES = 5_000_000_000;
/** What a checkpoint is made of, and so what is in the way of another. */
const CHECKPOINT_FILE = /^model(?:-\d{5}-of-\d{5})?\.safetensors$|^model\.safetensors\.index\.json$/;

/**
 * Writes a checkpoint in a folder (made if it is not there): `model.safetensors` if all tensors fit in one file, else
 * `model-00001-of-0000N.safetensors` ... and `model.safetensors.index.json`. Tensors go to files in the given order.
 * Gives the names of the files, the index last.
 *
 * All files are written beside their places first; then an old checkpoint is removed, the shards are put in place, and
 * the index last. A crash at any point leaves the old checkpoint, the new one, or a folder that `openCheckpoint`
 * refuses. Throws what `write` throws, `exists` and `bad-option`.
 */
export async function writeCheckpoint(
  folder: string,
  tensors: TensorInputs,
  options: CheckpointOptions = {},
): Promise<readonly string[]> {
  const { maxShardBytes = DEFAULT_SHARD_BYTES, overwrite = false, signal } = options;
  if (!(maxShardBytes > 0)) fail("bad-option", {}, `maxShardBytes is ${maxShardBytes}`, "a number of bytes above 0");
  const plan = planShards(await collect(tensors, signal), maxShardBytes);
  const { fs, path } = await node();
  await filing(folder, () => fs.mkdir(folder, { recursive: true }));
  const old = (await filing(folder, () => fs.readdir(folder))).filter((name) => CHECKPOINT_FILE.test(name));
  if (old.length > 0 && !overwrite) {
    fail("exists", { file: folder }, `the folder holds ${old[0]}`, "an empty folder, or overwrite: true");
  }
  const staged: Staged[] = [];
  try {
    await stageAll(plan, options, staged, (name) => path.join(folder, name));
    // The index first: without it the old shards are no checkpoint any more.
    for (const name of old.sort((a, b) => Number(b === INDEX_FILE) - Number(a === INDEX_FILE))) {
      await filing(folder, () => fs.rm(path.join(folder, name), { force: true }));
    }
    for (const file of staged) {
      if (file.path.endsWith(INDEX_FILE)) await syncFolder(folder);
      await file.commit();
    }
  } catch (error) {
    for (const file of staged) await file.discard();
    throw error;
  }
  await syncFolder(folder);
  return staged.map((file) => path.basename(file.path));
}

interface Plan {
  /** Tensors by file name. */
  readonly shards: ReadonlyMap<string, readonly TensorInput[]>;
  /** Bytes of all tensors, without headers: the `total_size` of an index. */
  readonly totalBytes: number;
}

/** Fills one file after the other, in the given order. */
function planShards(tensors: readonly TensorInput[], maxShardBytes: number): Plan {
  const groups: TensorInput[][] = [[]];
  const names = new Set<string>();
  let filled = 0;
  let totalBytes = 0;
  for (const tensor of tensors) {
    const bytes = checkTensor(tensor);
    // Two shards could each hold the name once, so the check of one layout does not see it.
    if (names.has(tensor.name)) fail("duplicate-name", { tensor: tensor.name }, "it is given twice", "one each");
    names.add(tensor.name);
    if (filled > 0 && filled + bytes > maxShardBytes) {
      groups.push([]);
      filled = 0;
    }
    groups.at(-1)!.push(tensor);
    filled += bytes;
    totalBytes += bytes;
  }
  const shards = groups.map((group, index) => [shardName(index + 1, groups.length), group] as const);
  return { shards: new Map(shards), totalBytes };
}

function shardName(number: number, count: number): string {
  if (count === 1) return SINGLE_FILE;
  if (count > 99_999) fail("too-many", {}, `${count} files`, "at most 99999 (is maxShardBytes too small?)");
  return `model-${String(number).padStart(5, "0")}-of-${String(count).padStart(5, "0")}.safetensors`;
}

/** Writes every file aside, the index last. They are added to `staged` one by one, so that a failure finds them. */
async function stageAll(
  { shards, totalBytes }: Plan,
  { metadata, signal }: CheckpointOptions,
  staged: Staged[],
  pathOf: (name: string) => string,
): Promise<void> {
  for (const [name, tensors] of shards) {
    const layout = layOut(tensors, metadata, pathOf(name));
    staged.push(await stage(pathOf(name), (append) => writeLayout(append, layout, pathOf(name), signal), signal));
  }
  if (shards.size === 1) return;
  const index = new TextEncoder().encode(indexJson(shards, totalBytes));
  staged.push(await stage(pathOf(INDEX_FILE), (append) => append(index), signal));
}

/** Written by hand, because an object would give names such as "0" another order, and `__proto__` another meaning. */
function indexJson(shards: Plan["shards"], totalBytes: number): string {
  const lines = [...shards].flatMap(([file, tensors]) =>
    tensors.map(({ name }) => `    ${JSON.stringify(name)}: ${JSON.stringify(file)}`),
  );
  return `{\n  "metadata": {\n    "total_size": ${totalBytes}\n  },\n  "weight_map": {\n${lines.join(",\n")}\n  }\n}\n`;
}
