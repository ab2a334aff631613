import { sha256 } from "./digest.js";
import { SourceError } from "./error.js";
import {
  CONFIG,
  checkWeights,
  INDEX,
  parseJson,
  SINGLE,
  SMALL_FILES,
  shardsOf,
  VISION_FILES,
  visionFolder,
} from "./names.js";
import type { Reach } from "./options.js";
import { type Entry, type Plan, pooled, type ReadSmall } from "./plan.js";
import { isEncoded, refusal, send } from "./request.js";
import { persist } from "./retry.js";

/** Requests at a time. */
const PARALLEL = 8;

/**
 * Which files below an address make the checkpoint. An address has no list of its files, so each that may be there is
 * asked for by its first byte, which tells its size and its tag.
 */
export async function planAddress(base: URL, reach: Reach, read: ReadSmall, weights = true): Promise<Plan> {
  const where = base.origin + base.pathname;
  const names = [...SMALL_FILES.map(({ name }) => name), ...(weights ? [INDEX, SINGLE] : [])];
  const found = new Map((await probeAll(base, names, reach)).map((entry) => [entry.name, entry]));
  const config = found.get(CONFIG);
  if (config === undefined)
    throw new SourceError("not-found", `${where} has no ${CONFIG}; is it the folder of a model?`);
  const vision = visionFolder(parseJson(await read(config), CONFIG));
  const more = vision === undefined ? [] : VISION_FILES.map((name) => `${vision}/${name}`);
  const index = found.get(INDEX);
  if (weights) checkWeights(where, index !== undefined, found.has(SINGLE));
  const shards = index === undefined ? [] : shardsOf(parseJson(await read(index), INDEX));
  const rest = await probeAll(base, [...more, ...shards], reach);
  const absent = shards.find((shard) => !rest.some(({ name }) => name === shard));
  if (absent !== undefined) throw new SourceError("not-found", `${where}: ${INDEX} names ${absent}, and there is none`);
  const entries = [...found.values(), ...rest];
  return { id: await sha256(entries.map(({ key }) => key).join("\n")), entries };
}

const probeAll = async (base: URL, names: readonly string[], reach: Reach): Promise<Entry[]> =>
  (await pooled(names, PARALLEL, (name) => probe(base, name, reach))).filter((entry) => entry !== undefined);

/** Size and tag of a file; undefined when there is none of that name. */
function probe(base: URL, name: string, reach: Reach): Promise<Entry | undefined> {
  const url = new URL(base);
  url.pathname += name.split("/").map(encodeURIComponent).join("/");
  return persist(reach, async () => {
    const answer = await send(url, { range: "bytes=0-0" }, reach);
    await answer.discard();
    const { status, headers } = answer;
    if (status === 404 || status === 410) return undefined;
    const empty = status === 416 && headers.get("content-range") === "bytes */0";
    if (status !== 200 && status !== 206 && !empty) throw refusal(answer, url, reach);
    const range = /^bytes 0-0\/(\d{1,15})$/.exec(headers.get("content-range") ?? "")?.[1];
    const size = empty ? 0 : status === 200 ? answer.length : range === undefined ? undefined : Number(range);
    // Packed on the way: size and tag are those of the packed bytes.
    const etag = isEncoded(headers) ? undefined : (headers.get("etag") ?? undefined);
    const version = etag ?? headers.get("last-modified") ?? "";
    return { name, url, size, etag, key: await sha256(`${url.href}\n${name}\n${size}\n${version}`) };
  });
}
