import { execFileSync } from "node:child_process";
import { mkdtempSync, openAsBlob, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { bytesOf } from "../../test/helpers.js";
import { readDicom } from "../dicom/image.js";
import { readSeries } from "../series/series.js";
import { openVideo } from "../video/open.js";
import { readNifti } from "../volume/nifti.js";
import { fileBytes, fileHead, fileSize } from "./file.js";
import { openInput } from "./open.js";

const folder = mkdtempSync(join(tmpdir(), "file-bytes-"));
const path = join(folder, "secret-name");
writeFileSync(path, Uint8Array.of(1, 2, 3, 4, 5));
afterAll(() => rmSync(folder, { recursive: true }));
const code = (expected: string) => expect.objectContaining({ code: expected });

test("a path, bytes and a Blob give the same", async () => {
  for (const input of [path, Uint8Array.of(1, 2, 3, 4, 5), await openAsBlob(path)]) {
    expect(await fileBytes(input)).toEqual(Uint8Array.of(1, 2, 3, 4, 5));
    expect(await fileHead(input, 3)).toEqual(Uint8Array.of(1, 2, 3));
    expect(await fileHead(input, 9)).toEqual(Uint8Array.of(1, 2, 3, 4, 5));
    await expect(fileBytes(input, { limits: { maxBytes: 4 } })).rejects.toThrow(code("input-too-large"));
    expect((await fileBytes(input, { limits: { maxBytes: 5 } })).length).toBe(5);
  }
});

test("a folder, a device and a pipe are not waited for, and no message names the path", async () => {
  const pipe = join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
  for (const wrong of [folder, "/dev/zero", pipe, join(folder, "none"), `${path}/below`, "a\0b"]) {
    await expect(fileBytes(wrong)).rejects.toThrow(code("input-file"));
    const error = await fileHead(wrong, 4).catch((e: Error) => e);
    expect(error).toEqual(code("input-file"));
    expect(String(error)).not.toMatch(/file-bytes-|none|pipe"/);
  }
});

const refused = code("input-file");

test.each([undefined, null, 5, {}, new ArrayBuffer(8), [1, 2]] as never[])("%s is no file", async (what) => {
  for (const read of [readDicom, readNifti, fileBytes, fileSize, openInput, openVideo])
    await expect(read(what), read.name).rejects.toThrow(refused);
  await expect(readSeries([what])).rejects.toThrow(refused);
});

test("a path, where bytes are read, and files that are no list", async () => {
  await expect(readDicom("a.dcm" as never)).rejects.toThrow(refused);
  await expect(readNifti("a.nii" as never)).rejects.toThrow(refused);
  await expect(readSeries("folder" as never)).rejects.toThrow(refused);
  await expect(readSeries(["a.dcm"] as never)).rejects.toThrow(refused);
});

test("volumes and series are read from bytes and from Blobs, whose size is checked first", async () => {
  const dicom = bytesOf("samples/dicom/MR_small.dcm");
  const nifti = bytesOf("samples/nasty/slope_nan.nii");
  expect((await readNifti(new Blob([nifti.slice()]))).values()).toEqual((await readNifti(nifti)).values());
  expect((await readSeries([new Blob([dicom.slice()])]))[0]!.positions).toEqual(
    (await readSeries([dicom]))[0]!.positions,
  );
  const limits = { maxBytes: 1000 };
  for (const read of [readDicom, readNifti])
    await expect(read(new Blob([dicom.slice()]), { limits })).rejects.toThrow(code("input-too-large"));
});
