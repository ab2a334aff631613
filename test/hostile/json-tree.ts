/** JSON as it is written: an object may have a key twice, and a leaf may be any text. */
export type Tree =
  | { readonly kind: "object"; readonly entries: { key: string; value: Tree }[] }
  | { readonly kind: "list"; readonly items: Tree[] }
  | { readonly kind: "leaf"; readonly text: string };

export const leaf = (text: string): Tree => ({ kind: "leaf", text });

export function toTree(json: unknown): Tree {
  if (Array.isArray(json)) return { kind: "list", items: json.map(toTree) };
  if (typeof json !== "object" || json === null) return leaf(JSON.stringify(json));
  return { kind: "object", entries: Object.entries(json).map(([key, value]) => ({ key, value: toTree(value) })) };
}

export function print(tree: Tree): string {
  if (tree.kind === "leaf") return tree.text;
  if (tree.kind === "list") return `[${tree.items.map(print).join(",")}]`;
  return `{${tree.entries.map(({ key, value }) => `${JSON.stringify(key)}:${print(value)}`).join(",")}}`;
}
