import { readdirSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

export const root = fileURLToPath(new URL("../../", import.meta.url));

export interface Import {
  readonly specifier: string;
  /** Erased by the compiler: it makes no cycle when the program runs. */
  readonly typeOnly: boolean;
}

export interface SourceFile {
  /** From the repository's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly isTest: boolean;
  readonly imports: readonly Import[];
  /** The lines on which the type `any` stands. */
  readonly anyLines: readonly number[];
}

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

export interface Package {
  /** The folder's name: `core` for `@hulu/core`. */
  readonly short: string;
  readonly manifest: Manifest;
  /** What is published, and the tests beside it. */
  readonly files: readonly SourceFile[];
}

/** Every package of the workspace, its sources parsed. */
export function packages(): readonly Package[] {
  return readdirSync(join(root, "packages")).map((short) => ({
    short,
    manifest: JSON.parse(readFileSync(join(root, "packages", short, "package.json"), "utf8")) as Manifest,
    files: ["src", "test"].flatMap((folder) => typescriptBelow(join(root, "packages", short, folder))).map(parse),
  }));
}

/** The TypeScript files below a folder, absolute; none where there is no folder. */
export function typescriptBelow(folder: string): readonly string[] {
  const listing = readdirSync(dirname(folder)).includes(folder.split(sep).at(-1) as string)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
    : [];
  return listing
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name));
}

export function parse(file: string): SourceFile {
  const path = relative(root, file).split(sep).join("/");
  const text = readFileSync(file, "utf8");
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true);
  const imports: Import[] = tree.typeReferenceDirectives.map((d) => ({ specifier: d.fileName, typeOnly: true }));
  const anyLines: number[] = [];
  const visit = (node: ts.Node): void => {
    if (node.kind === ts.SyntaxKind.AnyKeyword)
      anyLines.push(tree.getLineAndCharacterOfPosition(node.getStart()).line + 1);
    const found = importOf(node);
    if (found) imports.push(found);
    ts.forEachChild(node, visit);
  };
  visit(tree);
  const isTest = /\.test(-d)?\.ts$/.test(path) || path.split("/")[2] === "test";
  return { path, text, isTest, imports, anyLines };
}

/** `import`, `export from`, `import()` and `import.meta.resolve()` of a plain string, and the type `import("x").T`. */
function importOf(node: ts.Node): Import | undefined {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier))
    return { specifier: node.moduleSpecifier.text, typeOnly: onlyTypes(node.importClause) };
  if (ts.isExportDeclaration(node) && node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier)) {
    const clause = node.exportClause;
    const each = clause && ts.isNamedExports(clause) && clause.elements.every((e) => e.isTypeOnly);
    return { specifier: node.moduleSpecifier.text, typeOnly: node.isTypeOnly || each === true };
  }
  const [argument] =
    ts.isCallExpression(node) && /^import(?:\.meta\.resolve)?$/.test(node.expression.getText()) ? node.arguments : [];
  if (argument && ts.isStringLiteralLike(argument)) return { specifier: argument.text, typeOnly: false };
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal))
    return { specifier: node.argument.literal.text, typeOnly: true };
  return undefined;
}

function onlyTypes(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.isTypeOnly) return true;
  const names = clause.namedBindings;
  return clause.name === undefined && names !== undefined && ts.isNamedImports(names)
    ? names.elements.length > 0 && names.elements.every((e) => e.isTypeOnly)
    : false;
}

/** The package that a specifier names: `@hulu/core`, `sharp`; undefined for a file or a built-in of Node. */
export function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith(".") || isBuiltin(specifier)) return undefined;
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}
