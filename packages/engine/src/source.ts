import { type FetchOptions, fetchCheckpoint, hasDisk, isOffline, openRemote, parseSource } from "@hulu/hub";
import { type Checkpoint, openCheckpoint } from "@hulu/safetensors";
import { type CheckpointSource, type Files, openFiles } from "./files.js";

/** How a checkpoint of an address or of the Hugging Face Hub is got. */
export interface SourceOptions {
  /** Where checkpoints are kept: `HULU_CACHE` unless given, else the platform's cache folder. */
  readonly cache?: string | undefined;
  /** Only what is kept: no request. */
  readonly offline?: boolean | undefined;
  /** Whether http addresses are taken; https only unless true. */
  readonly allowHttp?: boolean | undefined;
  /** For the Hub alone: `HF_TOKEN` unless given. */
  readonly token?: string | undefined;
  /**
   * Keep nothing: the small files are read into memory, the tensors by HTTP ranges when they are needed. In a page, which
   * has no disk, this is the only way.
   */
  readonly ranges?: boolean | undefined;
  /** How far each file has come, several times a second. */
  readonly onDownload?: FetchOptions["onProgress"] | undefined;
}

export interface OpenOptions extends SourceOptions {
  readonly signal?: AbortSignal | undefined;
}

/** How often a range of a tensor is asked for whose body breaks off. */
const ATTEMPTS = 3;

interface Located {
  readonly files: Files;
  /** Opens the weights, of which the headers are read. */
  open(): Promise<Checkpoint>;
}

/** Whether opening a source fetches its weights, unless they are kept already. */
export function isFetched(source: CheckpointSource, { offline, ranges = !hasDisk() }: OpenOptions): boolean {
  return typeof source === "string" && parseSource(source).kind !== "folder" && !ranges && !isOffline({ offline });
}

/**
 * Where the files of a source are: a folder, after a download perhaps; memory; or a server.
 * @throws SourceError of @hulu/hub
 */
export async function locate(source: CheckpointSource, options: OpenOptions): Promise<Located> {
  // One by one: the object may hold options of loading too, some of which have the names of others here.
  const { cache, offline, allowHttp, token, ranges = !hasDisk(), onDownload, signal } = options;
  const opening = signal && { signal };
  const parsed = typeof source === "string" ? parseSource(source) : undefined;
  if (parsed !== undefined && parsed.kind !== "folder" && ranges && !isOffline({ offline })) {
    const { files, weights, fetch } = await openRemote(parsed, { allowHttp, token, signal });
    return { files: openFiles(files), open: () => openCheckpoint(weights, { fetch, attempts: ATTEMPTS, ...opening }) };
  }
  const fetching = { cache, offline, allowHttp, token, signal, ...(onDownload && { onProgress: onDownload }) };
  const there = parsed === undefined ? source : await fetchCheckpoint(parsed, fetching);
  return { files: openFiles(there), open: () => openCheckpoint(there, opening) };
}
