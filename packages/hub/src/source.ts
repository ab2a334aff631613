import { quote, SourceError } from "./error.js";

/** Where a model comes from. */
export type Source =
  | { readonly kind: "folder"; readonly path: string }
  /** A folder of files behind an address, which ends in a slash; a query goes with every file. */
  | { readonly kind: "url"; readonly url: URL }
  /** A repository of the Hugging Face Hub at a branch, a tag or a commit. */
  | { readonly kind: "hub"; readonly repo: string; readonly revision: string };

const wrong = (what: string) =>
  new SourceError("source-invalid", `${what}; give a folder, https://HOST/FOLDER/, or hf:OWNER/NAME[@REVISION]`);

/**
 * Read what a person wrote for a model: `hf:owner/name`, `hf:owner/name@revision`, an https (or http) address of a
 * folder, or the path of a local folder, which is everything else.
 * @throws SourceError `source-invalid`
 */
export function parseSource(text: string): Source {
  if (typeof text !== "string" || text === "") throw wrong("there is no source");
  if (text.includes("\0")) throw wrong("a source has no NUL characters");
  if (/^hf:/i.test(text)) return hub(text);
  if (/^https?:/i.test(text)) return { kind: "url", url: address(text) };
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(text)?.[1];
  if (scheme !== undefined) throw wrong(`an address of ${quote(scheme)}`);
  return { kind: "folder", path: text };
}

// A name of the Hub (huggingface_hub, validate_repo_id): "--" stands for the slash in a cache, so no name has it.
const NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?$/;
const isName = (name: string) => NAME.test(name) && !/--|\.\.|\.git$/.test(name);

function hub(text: string): Source {
  const [, id = "", revision = "main"] = /^hf:([^@]*)(?:@(.*))?$/s.exec(text) ?? [];
  const [owner, name, ...more] = id.split("/");
  if (owner === undefined || name === undefined || more.length > 0 || ![owner, name].every(isName))
    throw wrong(`${quote(text)} names no model of the Hub`);
  if (!isRevision(revision)) throw wrong(`${quote(revision)} is no branch, tag or commit`);
  return { kind: "hub", repo: `${owner}/${name}`, revision };
}

/** git-check-ref-format(1), of which the Hub takes what follows here. */
const isRevision = (revision: string): boolean =>
  revision.length > 0 &&
  revision.length <= 200 &&
  !/[\p{Cc}\p{Cs} ~^:?*[\\]|\.\.|@\{|\/\/|^\/|\/$|\.$|\.lock(\/|$)|(^|\/)\.|^-|^@$/u.test(revision);

function address(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw wrong("the address cannot be parsed");
  }
  if (!/^https?:\/\//i.test(text) || url.hostname === "") throw wrong("the address has no host");
  if (url.username !== "" || url.password !== "")
    throw wrong(`the address of ${url.host} has a name or a password in it, which would end up in logs`);
  if (/\.(safetensors|json|jinja|bin)$/i.test(url.pathname))
    throw wrong(`${quote(url.pathname)} is a file; the folder that holds it is wanted`);
  const page = /^\/([^/]+\/[^/]+)\/?$/.exec(url.pathname)?.[1];
  if (url.hostname === "huggingface.co" && page !== undefined)
    throw wrong(`the address is a page of the Hub; write hf:${page}`);
  url.hash = "";
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}

/** A source as it may stand in a message or a file. */
export function sourceName(source: Source): string {
  if (source.kind === "folder") return source.path;
  return source.kind === "url" ? `${source.url.origin}${source.url.pathname}` : `hf:${source.repo}@${source.revision}`;
}
