import { fail, quote } from "./error.js";
import { decodeUtf8, JsonCursor } from "./json.js";

/** Most files of a checkpoint. */
const MAX_SHARDS = 4096;
/** Longest index in bytes. */
export const MAX_INDEX_BYTES = 32_000_000;
/** Most tensors of all shards: several times what the largest mixtures of experts have. */
const MAX_TENSORS = 250_000;

/**
 * Reads `model.safetensors.index.json`: which shard holds which tensor, in the order of the text. Everything else in it
 * is skipped (published files differ there, and `total_size` is often wrong). Each shard must be a plain file name:
 * `unsafe-path` otherwise.
 */
export function parseIndex(bytes: Uint8Array, file: string): ReadonlyMap<string, string> {
  const where = { file };
  const weightMap = new Map<string, string>();
  const cursor = new JsonCursor(decodeUtf8(bytes, where, "bad-index"), where, "bad-index");
  cursor.object("the index", (key) => {
    if (key !== "weight_map") return cursor.skip(quote(key));
    cursor.object("weight_map", (tensor) => {
      if (weightMap.size >= MAX_TENSORS) fail("too-many", where, "weight_map has too many tensors", `${MAX_TENSORS}`);
      cursor.where = { file, tensor };
      weightMap.set(tensor, checkShardName(cursor.string("the shard", "bad-index"), file, tensor));
      cursor.where = where;
    });
  });
  cursor.end("the index");
  if (weightMap.size === 0) fail("bad-index", where, "weight_map is missing or empty", "tensor names and their shards");
  if (new Set(weightMap.values()).size > MAX_SHARDS) {
    fail("too-many", where, "weight_map names too many shards", `at most ${MAX_SHARDS}`);
  }
  return weightMap;
}

/** No separator of any system, no drive, no control character: the name cannot leave the folder on any of them. */
function checkShardName(name: string, file: string, tensor: string): string {
  if (/^[^/\\:\p{Cc}]+\.safetensors$/u.test(name) && !name.startsWith("..")) return name;
  return fail("unsafe-path", { file, tensor }, `shard ${quote(name)}`, "a plain file name ending in .safetensors");
}
