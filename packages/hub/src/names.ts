import { quote, SourceError } from "./error.js";

const MIB = 1024 ** 2;

/** A file of a checkpoint, and the most bytes that one may have. The limits are those of the readers. */
interface Known {
  readonly name: string;
  readonly most: number;
}

export const CONFIG = "config.json";
export const INDEX = "model.safetensors.index.json";
export const SINGLE = "model.safetensors";

/** The small files that the engine reads, apart from the index; only config.json must be there. */
export const SMALL_FILES: readonly Known[] = [
  { name: CONFIG, most: 4 * MIB },
  { name: "generation_config.json", most: 4 * MIB },
  { name: "tokenizer.json", most: 48 * MIB },
  { name: "tokenizer_config.json", most: 4 * MIB },
  { name: "chat_template.jinja", most: 4 * MIB },
  { name: "chat_template.json", most: 4 * MIB },
  { name: "preprocessor_config.json", most: 4 * MIB },
  { name: "video_preprocessor_config.json", most: 4 * MIB },
];
/** What the vision encoder's own folder holds of these. */
export const VISION_FILES: readonly string[] = [CONFIG, "preprocessor_config.json"];

const INDEX_BYTES = 32 * MIB;
const MAX_SHARDS = 4096;

/** The most bytes that a file of this name may have, weights among them. */
export function mostBytes(path: string): number {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (name === INDEX) return INDEX_BYTES;
  return SMALL_FILES.find((known) => known.name === name)?.most ?? Number.MAX_SAFE_INTEGER;
}

// Names that are devices on Windows, whatever their ending.
const DEVICE = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i;

/** Whether a name from outside is a plain file name on every system, and not too long for any. */
const isPlain = (name: string): boolean =>
  name !== "" &&
  new TextEncoder().encode(name).byteLength <= 200 &&
  !/[/\\:*?"<>|\p{Cc}\p{Cs}]|^\.|[. ]$/u.test(name) &&
  !DEVICE.test(name);

/** Whether a path is one to eight plain names with slashes between. */
export function isName(path: string): boolean {
  const names = path.split("/");
  return names.length <= 8 && names.every(isPlain);
}

/**
 * A path that a server, a config or an index gives, checked before it becomes a path of this machine.
 * @throws SourceError `name-invalid`
 */
export function checkName(path: string, where: string): string {
  if (isName(path)) return path;
  throw new SourceError(
    "name-invalid",
    `${where} names the file ${quote(path)}; only plain names inside the checkpoint are taken`,
  );
}

/** The parsed JSON of a small file. @throws SourceError `listing-invalid` */
export function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new SourceError("listing-invalid", `${where} is not JSON; is there a web page or a pointer in its place?`);
  }
}

/** A field of something that was parsed: its own, never an inherited one. */
export const field = (json: unknown, name: string): unknown =>
  typeof json === "object" && json !== null && Object.hasOwn(json, name)
    ? (json as Readonly<Record<string, unknown>>)[name]
    : undefined;

/**
 * The vision encoder's own folder, where config.json names one inside the checkpoint. A path that leaves it is left to
 * the reader of the checkpoint, which refuses it.
 */
export function visionFolder(config: unknown): string | undefined {
  if (field(config, "vision_encoder_config") != null) return undefined;
  const path = field(config, "mm_vision_encoder") ?? field(config, "vision_encoder");
  if (typeof path !== "string" || path.length > 1000 || path.startsWith("/") || path.startsWith("\\")) return undefined;
  const names = path
    .replaceAll("\\", "/")
    .split("/")
    .filter((name) => name !== "." && name !== "");
  return names.length > 0 && names.length < 8 && names.every(isPlain) ? names.join("/") : undefined;
}

/** The files that an index names. @throws SourceError `name-invalid`, `listing-invalid` */
export function shardsOf(index: unknown): readonly string[] {
  const map = field(index, "weight_map");
  const files =
    typeof map === "object" && map !== null && !Array.isArray(map) ? new Set(Object.values(map)) : undefined;
  if (files === undefined || files.size === 0 || files.size > MAX_SHARDS)
    throw new SourceError("listing-invalid", `${INDEX} has no weight_map of 1 to ${MAX_SHARDS} files`);
  return [...files].sort().map((file) => {
    const name = typeof file === "string" ? checkName(file, INDEX) : "";
    if (name.includes("/") || !name.endsWith(".safetensors"))
      throw new SourceError("name-invalid", `${INDEX} names ${quote(String(file))}; a shard is NAME.safetensors`);
    return name;
  });
}

/** A checkpoint has one of the two. @throws SourceError `no-checkpoint`, `ambiguous-checkpoint` */
export function checkWeights(where: string, index: boolean, single: boolean): void {
  if (index && single)
    throw new SourceError("ambiguous-checkpoint", `${where} has both ${INDEX} and ${SINGLE}; one of them is stale`);
  if (!index && !single)
    throw new SourceError("no-checkpoint", `${where} has neither ${SINGLE} nor ${INDEX}; other formats are not read`);
}
