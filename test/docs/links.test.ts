import { posix } from "node:path";
import { expect, test } from "vitest";
import { allPages, exists, prose } from "./pages.js";

// Every link of a Markdown file that leads to something of this repository.

const pages = allPages();

interface Link {
  readonly page: string;
  readonly target: string;
}

const links: Link[] = pages.flatMap((page) =>
  [
    ...prose(page)
      .replace(/`[^`\n]*`/g, "")
      .matchAll(/\]\(([^()\s]+)\)/g),
  ].map(([, target]) => ({
    page: page.path,
    target: target as string,
  })),
);
const inward = links.filter(({ target }) => !/^[a-z]+:/i.test(target));

/** As GitHub makes them: lower case, no punctuation, hyphens for spaces; a second one of a name gets a number. */
function anchors(text: string): Set<string> {
  const found = new Set<string>();
  for (const [, title] of text.matchAll(/^#+ (.+)$/gm)) {
    const name = (title as string)
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-");
    let anchor = name;
    for (let n = 1; found.has(anchor); n++) anchor = `${name}-${n}`;
    found.add(anchor);
  }
  return found;
}

function broken({ page, target }: Link): boolean {
  const [path = "", anchor] = decodeURI(target).split("#");
  const to = path === "" ? page : posix.normalize(posix.join(posix.dirname(page), path)).replace(/\/$/, "");
  if (to.startsWith("..") || !exists(to)) return true;
  if (anchor === undefined) return false;
  // A folder is shown with its README.
  const there = pages.find(({ path }) => path === to || path === `${to}/README.md`);
  return there === undefined || !anchors(there.text).has(anchor);
}

test("there are links to look at", () => {
  expect(pages.length).toBeGreaterThan(20);
  expect(inward.length).toBeGreaterThan(40);
});

test("every one of them leads somewhere", () => {
  expect(inward.filter(broken).map(({ page, target }) => `${page}: ${target}`)).toEqual([]);
});

test.each(["nowhere.md", "README.md#no-such-heading", "../elsewhere", "#nothing"])("%s would be found", (target) => {
  expect(broken({ page: "docs/README.md", target })).toBe(true);
});
test("what is right is not", () => {
  for (const target of ["CONTRIBUTING.md#adding-a-backend", "packages/engine", "packages/engine#conversations"])
    expect(broken({ page: "README.md", target }), target).toBe(false);
});
