import { expect, it } from "vitest";
import { type Written, writeElements } from "../../test/dicom-writer.js";
import { makeSource, readElements } from "./elements.js";
import { expandSegments } from "./segments.js";

const TAG = 0x00281221;

function expand(value: Written[2], count: number, bits: number, littleEndian = true): number[] {
  const bytes = writeElements([[TAG, "OW", value]], { explicit: true, littleEndian, undefinedLength: false });
  const set = readElements(makeSource(bytes, true, littleEndian), 0, bytes.length);
  return [...expandSegments(set, TAG, { count, first: 0, bits })];
}

it("entries between are rounded to even, as numpy rounds them", () => {
  // numpy.around(numpy.linspace(0.5, 2, 4)): 0, 1, 2, 2
  expect(expand([0, 1, 0, 1, 4, 2], 5, 16)).toEqual([0, 0, 1, 2, 2]);
  expect(expand([0, 1, 7, 1, 3, 1], 4, 16)).toEqual([7, 5, 3, 1]);
  expect(expand([0, 1, 7, 1, 1, 1], 2, 16)).toEqual([7, 1]);
});

it("entries of 8 bits are bytes, in pairs that a big endian file has the other way round", () => {
  expect(expand(Uint8Array.of(0, 2, 9, 8, 1, 2, 4), 4, 8)).toEqual([9, 8, 6, 4]);
  expect(expand(Uint8Array.of(2, 0, 8, 9, 2, 1, 0, 4), 4, 8, false)).toEqual([9, 8, 6, 4]);
});
