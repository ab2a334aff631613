import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../house/source.js";

/** A page of the repository, by its path from the root. */
export interface Page {
  readonly path: string;
  readonly text: string;
}

/** A fenced block, and what stands around it. */
export interface Block {
  readonly page: string;
  /** The line of its opening fence, from 1. */
  readonly line: number;
  readonly language: string;
  /** What stands behind the language: `run`, `refused`, or `of FILE`. */
  readonly info: string;
  readonly code: string;
  /** The names in a comment `<!-- given: model, image -->` right before it: what `given.ts` exports. */
  readonly given: readonly string[];
}

const LEFT_OUT = ["node_modules", "dist", "coverage"];

/** Every Markdown file, generated and installed ones left out. */
export function allPages(folder = ""): Page[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory())
      return LEFT_OUT.includes(entry.name) || entry.name.startsWith(".") || path === "docs/api" ? [] : allPages(path);
    return entry.isFile() && entry.name.endsWith(".md") ? [page(path)] : [];
  });
}

export const page = (path: string): Page => ({ path, text: readFileSync(join(root, path), "utf8") });
export const exists = (path: string): boolean => existsSync(join(root, path));

/** The pages that this folder proves. */
export const guides = (): Page[] => allPages("docs");

/** The fenced blocks of a page, in order. */
export function blocksOf({ path, text }: Page): Block[] {
  const lines = text.split("\n");
  const blocks: Block[] = [];
  for (let i = 0; i < lines.length; i++) {
    const [, indent = "", fence, language = "", info = ""] = /^( *)(```+)(\w*) ?(.*)$/.exec(lines[i] as string) ?? [];
    if (fence === undefined) continue;
    const end = lines.indexOf(indent + fence, i + 1);
    if (end < 0) throw new Error(`${path}:${i + 1}: this block has no end`);
    const before = lines.slice(0, i).findLast((line) => line !== "") ?? "";
    const given = /^<!-- given: (.+) -->$/.exec(before.trim())?.[1]?.split(", ") ?? [];
    const code = lines.slice(i + 1, end).map((line) => line.slice(indent.length));
    blocks.push({ page: path, line: i + 1, language, info, given, code: code.join("\n") });
    i = end;
  }
  return blocks;
}

/** A page without what stands in fences. */
export const prose = ({ text }: Page): string => text.replace(/^( *```+).*\n(?:.*\n)*?\1$/gm, "");

/** The tables of a text: for each its cells, the header first, and the last heading before it. */
export function tablesOf(text: string): { readonly heading: string; readonly rows: readonly string[][] }[] {
  const tables: { heading: string; rows: string[][] }[] = [];
  let heading = "";
  let inside = false;
  for (const line of text.split("\n")) {
    heading = /^#+ (.+)$/.exec(line)?.[1] ?? heading;
    const row = line.startsWith("|");
    if (row && !inside) tables.push({ heading, rows: [] });
    if (row && !/^[|\s:-]+$/.test(line)) tables.at(-1)?.rows.push(cells(line));
    inside = row;
  }
  return tables;
}

const cells = (line: string): string[] =>
  line
    .slice(1, line.lastIndexOf("|"))
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());
