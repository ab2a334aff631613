import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import { tool } from "../../scripts/tools.mjs";

const project = inject("npmProject");
const libraries = inject("packed")
  .map((p) => p.name)
  .filter((name) => name !== "@hulu/cli");

/** A user's file: every package is loaded with its declarations, and the types that they promise are there. */
const consumer = `
${libraries.map((name, i) => `import * as p${i} from "${name}";`).join("\n")}
import { axis, compile, f32, memoryWeights, ops, program, symbol, type Tensor, type Value } from "@hulu/core";
import { reference } from "@hulu/backend-reference";
export const all: readonly object[] = [${libraries.map((_, i) => `p${i}`).join(", ")}];
const double = program("double", { x: f32(axis("n", symbol("n"))) }, ({ x }) => ({ y: ops.add(x, x) }));
const x: Value<"n"> = double.inputs.x;
export async function use(): Promise<Tensor> {
  const model = await compile(reference, { double }, memoryWeights(new Map()));
  // @ts-expect-error there is no program of that name
  await model.run("triple", {});
  // @ts-expect-error the axis is n
  const wrong: Value<"m"> = x;
  const { y } = await model.run("double", { x: { dtype: "f32", shape: [1], data: new Float32Array(1) } });
  return y;
}
`;

test.each([
  ["NodeNext", "NodeNext"],
  ["ESNext", "Bundler"],
])("a project with module %s, resolution %s type-checks, declarations included", async (module, moduleResolution) => {
  const options = {
    target: "ES2022",
    lib: ["ES2023", "ESNext.Disposable", "DOM"],
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: false,
    module,
    moduleResolution,
  };
  const name = `tsconfig.${moduleResolution}.json`;
  writeFileSync(join(project, "consumer.ts"), consumer);
  writeFileSync(join(project, name), JSON.stringify({ compilerOptions: options, files: ["consumer.ts"] }));
  expect(await tool("tsc", ["-p", name], { from: "typescript", cwd: project, capture: true })).toBe("");
});
