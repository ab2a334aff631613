// Prepares lavapipe, Mesa's Vulkan that computes on the CPU, in .cache/lavapipe. Nothing is installed on the machine: apt
// fetches the packages by lists of its own, and they are unpacked into that folder. Needs Linux with apt, and no root.
//
//   eval "$(node scripts/lavapipe.mjs)" && npx vitest run packages/kernels
//
// It has what SwiftShader lacks: shader-f16, subgroups of 8, workgroups of 1024 threads. Debian 12's own Mesa is too old for
// Dawn, so there it comes from bookworm-backports.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { root, run } from "./tools.mjs";

const folder = join(root, ".cache/lavapipe");
const unpacked = join(folder, "root");
const driver = join(folder, "lvp.json");
const PACKAGES = ["mesa-vulkan-drivers", "libdrm2", "libdrm-common", "libdrm-amdgpu1"];
const KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** The archive that this machine's own lists of packages name. */
function archive() {
  const lists = ["/etc/apt/sources.list", "/etc/apt/sources.list.d"].filter((path) => existsSync(path));
  const files = lists.flatMap((path) =>
    path.endsWith(".d") ? readdirSync(path).map((name) => join(path, name)) : [path],
  );
  for (const file of files) {
    const [found] = /https?:\/\/\S+\/debian\/?(?=\s)/.exec(readFileSync(file, "utf8")) ?? [];
    if (found !== undefined) return found;
  }
  return "http://deb.debian.org/debian";
}

/** Options with which apt keeps to our folder: its lists, its packages and its locks. */
function privateApt() {
  for (const name of ["lists/partial", "archives/partial"]) mkdirSync(join(folder, name), { recursive: true });
  const sources = join(folder, "sources.list");
  const lines = ["bookworm", "bookworm-backports"].map(
    (suite) => `deb [signed-by=${KEYS}] ${archive()} ${suite} main\n`,
  );
  writeFileSync(sources, lines.join(""));
  const settings = {
    "Dir::Etc::sourcelist": sources,
    "Dir::Etc::sourceparts": "/dev/null",
    "Dir::State::lists": join(folder, "lists"),
    "Dir::Cache": folder,
    "APT::Sandbox::User": "",
    "Debug::NoLocking": "1",
  };
  return Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
}

/** Fetch and unpack what is missing of this machine. */
async function prepare() {
  const release = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  if (!release.includes("VERSION_CODENAME=bookworm"))
    throw new Error("lavapipe is prepared on Debian 12 alone: elsewhere install Mesa and set VK_DRIVER_FILES");
  rmSync(folder, { recursive: true, force: true });
  const options = privateApt();
  await run("apt-get", [...options, "-qq", "update"], { capture: true });
  const wanted = [...PACKAGES.map((name) => `${name}/bookworm-backports`), "libvulkan1"];
  const fetch = ["install", "--yes", "--no-install-recommends", "--reinstall", "--download-only", ...wanted];
  await run("apt-get", [...options, "-qq", ...fetch], { capture: true });
  const archives = join(folder, "archives");
  for (const name of readdirSync(archives).filter((file) => file.endsWith(".deb")))
    await run("dpkg", ["-x", join(archives, name), unpacked], { capture: true });
  // The library's path is written out, so that the loader finds it where it lies.
  const icd = JSON.parse(readFileSync(join(unpacked, "usr/share/vulkan/icd.d/lvp_icd.json"), "utf8"));
  icd.ICD.library_path = join(libraries(), icd.ICD.library_path.split("/").at(-1));
  for (const name of ["lists", "archives"]) rmSync(join(folder, name), { recursive: true });
  // Last: it is there when everything is.
  writeFileSync(driver, JSON.stringify(icd));
}

/** Of one machine type: the folder that holds the driver. */
function libraries() {
  const lib = join(unpacked, "usr/lib");
  const found = readdirSync(lib).find((name) => existsSync(join(lib, name, "libvulkan_lvp.so")));
  if (found === undefined) throw new Error(`there is no libvulkan_lvp.so below ${lib}`);
  return join(lib, found);
}

/**
 * @returns {Promise<Record<string, string>>} the environment that a process must be started with to find lavapipe, and no
 * other driver
 */
export async function lavapipe() {
  if (!existsSync(driver)) await prepare();
  const paths = [libraries(), process.env.LD_LIBRARY_PATH].filter(Boolean);
  return { VK_DRIVER_FILES: driver, LD_LIBRARY_PATH: paths.join(":"), XDG_RUNTIME_DIR: folder };
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const [name, value] of Object.entries(await lavapipe())) console.log(`export ${name}='${value}'`);
