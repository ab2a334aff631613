import { quote, SourceError } from "./error.js";
import {
  CONFIG,
  checkName,
  checkWeights,
  field,
  INDEX,
  parseJson,
  SINGLE,
  SMALL_FILES,
  shardsOf,
  VISION_FILES,
  visionFolder,
} from "./names.js";
import type { Reach } from "./options.js";
import type { Entry, Plan, ReadSmall } from "./plan.js";
import { type Answer, bytesOf, refusal, send } from "./request.js";
import { persist } from "./retry.js";

// Two calls of the Hub's API (https://huggingface.co/docs/hub/api). The README says why no client library makes them.

/** The most bytes of one answer, entries of one folder, and pages that they come in. */
const MOST = { bytes: 16 * 1024 ** 2, entries: 20_000, pages: 50 } as const;

export interface HubSource {
  readonly repo: string;
  readonly revision: string;
}

export const isCommit = (revision: string): boolean => /^[0-9a-f]{40}$/.test(revision);

/** The commit that a branch or a tag stands for now. */
export async function resolveCommit({ repo, revision }: HubSource, reach: Reach): Promise<string> {
  if (isCommit(revision)) return revision;
  const path = `api/models/${repo}/revision/${encodeURIComponent(revision)}?expand=sha`;
  const { json } = await ask(new URL(path, reach.endpoint), reach);
  const sha = field(json, "sha");
  if (typeof sha === "string" && isCommit(sha)) return sha;
  throw new SourceError("listing-invalid", `the Hub gives no commit for hf:${repo}@${revision}`);
}

/** The address below which the files of a commit are. */
export const commitUrl = (repo: string, commit: string, { endpoint }: Reach): URL =>
  new URL(`${repo}/resolve/${commit}/`, endpoint);

/**
 * Which files of a commit make the checkpoint. The folders that are needed are listed, not the whole repository.
 * @param weights whether the files of tensors are wanted too
 */
export async function planHub(
  { repo }: HubSource,
  commit: string,
  reach: Reach,
  read: ReadSmall,
  weights = true,
): Promise<Plan> {
  const root = await listFolder(repo, commit, "", reach);
  const entries = SMALL_FILES.flatMap(({ name }) => root.get(name) ?? []);
  const config = root.get(CONFIG);
  if (config === undefined)
    throw new SourceError("no-checkpoint", `hf:${repo} has no ${CONFIG} at ${commit}; is it a model?`);
  const vision = visionFolder(parseJson(await read(config), CONFIG));
  if (vision !== undefined) {
    const inside = await listFolder(repo, commit, vision, reach);
    entries.push(...VISION_FILES.flatMap((name) => inside.get(`${vision}/${name}`) ?? []));
  }
  return { id: commit, entries: weights ? [...entries, ...(await weightsOf(root, repo, read))] : entries };
}

async function weightsOf(root: ReadonlyMap<string, Entry>, repo: string, read: ReadSmall): Promise<readonly Entry[]> {
  const [index, single] = [root.get(INDEX), root.get(SINGLE)];
  checkWeights(`hf:${repo}`, index !== undefined, single !== undefined);
  if (index === undefined) return single === undefined ? [] : [single];
  const names = shardsOf(parseJson(await read(index), INDEX));
  const shards = names.flatMap((name) => root.get(name) ?? []);
  const absent = names.find((name) => !root.has(name));
  if (absent !== undefined)
    throw new SourceError("not-found", `hf:${repo}: ${INDEX} names ${quote(absent)}, and there is none`);
  return [index, ...shards];
}

/** The files of one folder by their paths; none where there is no such folder. */
async function listFolder(repo: string, commit: string, folder: string, reach: Reach): Promise<Map<string, Entry>> {
  const path = folder.split("/").map(encodeURIComponent).join("/");
  const found = new Map<string, Entry>();
  let url: URL | undefined = new URL(`api/models/${repo}/tree/${commit}${path && `/${path}`}`, reach.endpoint);
  for (let pages = 0; url !== undefined; pages++) {
    const answer = await askUnlessAbsent(url, reach, folder !== "");
    if (answer === undefined) return found;
    if (!Array.isArray(answer.json)) throw invalid(repo, "is no list");
    if (found.size + answer.json.length > MOST.entries || pages === MOST.pages)
      throw invalid(repo, `has more than ${MOST.entries} files or ${MOST.pages} pages in a folder`);
    for (const item of answer.json) addEntry(found, item, { repo, commit, folder }, reach);
    url = nextPage(answer.link, url, repo);
  }
  return found;
}

const invalid = (repo: string, what: string) =>
  new SourceError("listing-invalid", `the Hub's list of files of hf:${repo} ${what}`);

type Place = { readonly repo: string; readonly commit: string; readonly folder: string };

/** Folders, files of other folders and names that nothing here asks for are passed over. */
function addEntry(found: Map<string, Entry>, item: unknown, { repo, commit, folder }: Place, reach: Reach): void {
  const path = field(item, "path");
  if (field(item, "type") !== "file" || typeof path !== "string") return;
  const name = folder === "" ? path : path.slice(folder.length + 1);
  if (!/\.(safetensors|json|jinja)$/.test(name) || name.includes("/")) return;
  if (folder !== "" && !path.startsWith(`${folder}/`)) return;
  checkName(path, `the Hub's list of files of hf:${repo}`);
  const lfs = field(item, "lfs");
  const size = lfs === undefined ? field(item, "size") : field(lfs, "size");
  if (!Number.isSafeInteger(size) || (size as number) < 0) throw invalid(repo, `gives ${quote(path)} no size`);
  const digest = digestOf(item, lfs);
  const url = new URL(path.split("/").map(encodeURIComponent).join("/"), commitUrl(repo, commit, reach));
  const key =
    digest === undefined ? `named-${commit}-${encodeURIComponent(path).slice(-150)}` : `${digest.kind}-${digest.hex}`;
  found.set(path, { name: path, url, size: size as number, digest, key });
}

/** Large files have the SHA-256 of their bytes, small ones git's SHA-1; a mirror may give neither. */
function digestOf(item: unknown, lfs: unknown): Entry["digest"] {
  const [large, small] = [field(lfs, "oid"), field(item, "oid")];
  if (typeof large === "string" && /^[0-9a-f]{64}$/.test(large)) return { kind: "sha256", hex: large };
  if (lfs === undefined && typeof small === "string" && /^[0-9a-f]{40}$/.test(small))
    return { kind: "git", hex: small };
  return undefined;
}

/** RFC 8288. The next page must be of the Hub itself. */
function nextPage(link: string | null, from: URL, repo: string): URL | undefined {
  const target = /<([^<>]{1,4000})>\s*;\s*rel="?next"?/.exec(link ?? "")?.[1];
  if (target === undefined) return undefined;
  const url = URL.canParse(target, from.href) ? new URL(target, from) : undefined;
  if (url?.origin !== from.origin) throw invalid(repo, "goes on at another host");
  return url;
}

interface Page {
  readonly json: unknown;
  readonly link: string | null;
}

async function askUnlessAbsent(url: URL, reach: Reach, mayBeAbsent: boolean): Promise<Page | undefined> {
  try {
    return await ask(url, reach);
  } catch (error) {
    if (mayBeAbsent && error instanceof SourceError && error.code === "not-found") return undefined;
    throw error;
  }
}

/** One call of the API, bounded. */
function ask(url: URL, reach: Reach): Promise<Page> {
  return persist(reach, async () => {
    const answer: Answer = await send(url, { accept: "application/json" }, reach);
    if (answer.status !== 200) {
      await answer.discard();
      throw refusal(answer, url, reach);
    }
    const bytes = await bytesOf(answer, MOST.bytes, "an answer of the Hub");
    return {
      json: parseJson(new TextDecoder().decode(bytes), "an answer of the Hub"),
      link: answer.headers.get("link"),
    };
  });
}
