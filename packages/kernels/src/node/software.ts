import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliDecompress } from "node:zlib";

/** A Vulkan that computes on the CPU: correct, slow, and the same on every machine. */
export interface SoftwareVulkan {
  /** The shared library that programs load to find drivers. */
  readonly loader: string;
  /** What `VK_DRIVER_FILES` must name. */
  readonly driver: string;
}

const LOADER = "libvulkan.so.1";
const DRIVER = "vk_swiftshader_icd.json";
/** What is needed of the archive; the rest is for drawing. */
const FILES: ReadonlySet<string> = new Set([LOADER, DRIVER, "libvk_swiftshader.so"]);

/**
 * SwiftShader, as the npm package `@sparticuz/chromium` carries it, unpacked once to the system's folder for temporary files.
 * @returns undefined where that package is not installed, or this is not Linux on x64
 */
export async function swiftShader(): Promise<SoftwareVulkan | undefined> {
  if (process.platform !== "linux" || process.arch !== "x64") return undefined;
  const archive = archivePath();
  if (archive === undefined || !existsSync(archive)) return undefined;
  const { version } = JSON.parse(await readFile(join(archive, "../../package.json"), "utf8")) as { version: string };
  const folder = join(tmpdir(), `hulu-swiftshader-${version}-${process.getuid?.() ?? 0}`);
  if (![...FILES].every((file) => existsSync(join(folder, file)))) await unpack(archive, folder);
  return { loader: join(folder, LOADER), driver: join(folder, DRIVER) };
}

function archivePath(): string | undefined {
  try {
    return fileURLToPath(new URL("../../bin/swiftshader.tar.br", import.meta.resolve("@sparticuz/chromium")));
  } catch {
    return undefined;
  }
}

/** Files appear whole or not at all: another process may be doing the same. */
async function unpack(archive: string, folder: string): Promise<void> {
  const tar = await promisify(brotliDecompress)(await readFile(archive));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const beside = await mkdtemp(join(folder, "part-"));
  try {
    for (const { name, data } of tarFiles(tar)) {
      if (!FILES.has(basename(name))) continue;
      const part = join(beside, basename(name));
      await writeFile(part, data, { mode: 0o755 });
      await rename(part, join(folder, basename(name)));
    }
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
}

const BLOCK = 512;

/** The plain files of a tar archive; POSIX ustar. */
function* tarFiles(tar: Uint8Array): Generator<{ readonly name: string; readonly data: Uint8Array }> {
  const text = new TextDecoder();
  const field = (at: number, length: number) =>
    text
      .decode(tar.subarray(at, at + length))
      .replace(/\0.*$/s, "")
      .trim();
  for (let at = 0; at + BLOCK <= tar.length && tar[at] !== 0; ) {
    const size = Number.parseInt(field(at + 124, 12), 8) || 0;
    const type = field(at + 156, 1);
    if (type === "0" || type === "") yield { name: field(at, 100), data: tar.subarray(at + BLOCK, at + BLOCK + size) };
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
}
