import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { packages, pnpm, run } from "../../scripts/tools.mjs";

export interface Packed {
  readonly name: string;
  readonly tarball: string;
}

declare module "vitest" {
  interface ProvidedContext {
    /** Every package that can be published, as `pnpm pack` made it. */
    packed: readonly Packed[];
    /** A project outside the repository that npm installed the libraries into, without any optional peer. */
    npmProject: string;
    /** One that pnpm installed the command into: every package sees only what it declares. */
    pnpmProject: string;
  }
}

/** Packs the packages and installs them as a user would; from here on the tests touch no source. */
export default async function setup(project: TestProject): Promise<() => void> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "hulu-packed-")));
  const packed = await pack(folder);
  const file = (name: string) => `file:${packed.find((p) => p.name === name)?.tarball}`;
  const libraries = packed.map((p) => p.name).filter((name) => name !== "@hulu/cli");

  const npmProject = newProject(join(folder, "npm"), {
    dependencies: Object.fromEntries(libraries.map((name) => [name, file(name)])),
    // Never the registry's packages of these names.
    overrides: Object.fromEntries(libraries.map((name) => [name, `$${name}`])),
  });
  const pnpmProject = newProject(join(folder, "pnpm"), {
    dependencies: { "@hulu/cli": file("@hulu/cli") },
    pnpm: { overrides: Object.fromEntries(packed.map((p) => [p.name, file(p.name)])), onlyBuiltDependencies: [] },
  });
  const quiet = { capture: true } as const;
  const npm = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
  await Promise.all([
    run("npm", npm, { cwd: npmProject, ...quiet }),
    pnpm(["install", "--ignore-scripts", "--prefer-offline", "--no-frozen-lockfile"], { cwd: pnpmProject, ...quiet }),
  ]);

  project.provide("packed", packed);
  project.provide("npmProject", npmProject);
  project.provide("pnpmProject", pnpmProject);
  return () => rmSync(folder, { recursive: true, force: true });
}

async function pack(folder: string): Promise<readonly Packed[]> {
  const names = packages()
    .map(({ manifest }) => manifest)
    .filter((manifest) => !manifest.private)
    .map((manifest) => String(manifest.name));
  const filters = names.map((name) => `--filter=${name}`);
  const report = await pnpm(["-r", ...filters, "pack", "--json", "--pack-destination", folder], { capture: true });
  const list = JSON.parse(report.slice(report.indexOf("["))) as readonly { name: string; filename: string }[];
  return list.map(({ name, filename }) => ({ name, tarball: filename }));
}

function newProject(folder: string, manifest: object): string {
  mkdirSync(folder);
  const fields = { name: "consumer", private: true, type: "module", ...manifest };
  writeFileSync(join(folder, "package.json"), JSON.stringify(fields, undefined, 2));
  return folder;
}
