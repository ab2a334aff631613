import { existsSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { packages, root } from "../house/source.js";

/** An error class that a package exports. */
export interface ErrorClass {
  readonly name: string;
  /** The package's name. */
  readonly from: string;
  /** What its `code` may be; none where it has no code. */
  readonly codes: readonly string[];
}

/** The sources behind what a published package exports. */
function entries({ short, manifest }: ReturnType<typeof packages>[number]): string[] {
  const targets = Object.values(manifest.exports as Record<string, string | { readonly types: string }>);
  return targets.flatMap((target) => {
    if (typeof target === "string") return [];
    const file = join(root, "packages", short, target.types.replace("/dist/", "/src/").replace(/\.d\.ts$/, ".ts"));
    if (!existsSync(file)) throw new Error(`${target.types} of ${short} has no source ${file}`);
    return [file];
  });
}

/** Every error class that a published package exports, found by the compiler. */
export function errorClasses(): ErrorClass[] {
  const published = packages().filter(({ manifest }) => !manifest.private);
  const sources = packages().map(({ short }) => [`@hulu/${short}`, [join(root, `packages/${short}/src/index.ts`)]]);
  const base = ts.readConfigFile(join(root, "tsconfig.base.json"), ts.sys.readFile).config as {
    compilerOptions: object;
  };
  const { options } = ts.convertCompilerOptionsFromJson(base.compilerOptions, root);
  const program = ts.createProgram({
    rootNames: published.flatMap(entries),
    options: { ...options, composite: false, noEmit: true, types: ["node"], paths: Object.fromEntries(sources) },
  });
  const checker = program.getTypeChecker();
  const found = new Map<string, ErrorClass>();
  for (const p of published)
    for (const file of entries(p)) {
      const module = checker.getSymbolAtLocation(program.getSourceFile(file) as ts.SourceFile) as ts.Symbol;
      for (const exported of checker.getExportsOfModule(module)) {
        const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
        if (!(symbol.flags & ts.SymbolFlags.Class)) continue;
        const type = checker.getDeclaredTypeOfSymbol(symbol) as ts.InterfaceType;
        if (!isError(checker, type)) continue;
        found.set(exported.name, { name: exported.name, from: p.manifest.name, codes: codesOf(checker, type) });
      }
    }
  return [...found.values()];
}

const isError = (checker: ts.TypeChecker, type: ts.InterfaceType): boolean =>
  checker.getBaseTypes(type).some((base) => base.symbol.name === "Error" || isError(checker, base as ts.InterfaceType));

function codesOf(checker: ts.TypeChecker, type: ts.Type): string[] {
  const code = type.getProperty("code");
  if (code === undefined) return [];
  const of = checker.getTypeOfSymbol(code);
  return (of.isUnion() ? of.types : [of]).map((literal) => {
    if (!literal.isStringLiteral())
      throw new Error(`a code is ${checker.typeToString(literal)}, not one of some names`);
    return literal.value;
  });
}
