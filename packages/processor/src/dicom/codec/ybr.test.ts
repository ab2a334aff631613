import fc from "fast-check";
import { expect, test } from "vitest";
import { sha256 } from "../../../test/helpers.js";
import { ybrToRgb } from "./index.js";

test("all colours come out as pydicom 3.0.2 makes them", () => {
  // numpy.concatenate of _convert_YBR_FULL_to_RGB(stack([y, cb, cr])) for each y, over mgrid[0:256, 0:256].
  const all = new Uint8Array(3 * 2 ** 24);
  for (let i = 0; i < 2 ** 24; i++) {
    all[3 * i] = i >> 16;
    all[3 * i + 1] = (i >> 8) & 255;
    all[3 * i + 2] = i & 255;
  }
  expect(sha256(ybrToRgb(all))).toBe("fb4fdac8832012e1b79b48f2aa73e3383c8974559cd277b7517cdf5f118f0b72");
});

test("each is within rounding of the standard's formula", () => {
  const byte = fc.integer({ min: 0, max: 255 });
  fc.assert(
    fc.property(byte, byte, byte, (y, cb, cr) => {
      const [r, g, b] = ybrToRgb(Uint8Array.of(y, cb, cr));
      const exact = [
        y + 1.402 * (cr - 128),
        y - 0.344136286 * (cb - 128) - 0.714136286 * (cr - 128),
        y + 1.772 * (cb - 128),
      ].map((v) => Math.min(255, Math.max(0, v)));
      [r, g, b].forEach((v, i) => {
        expect(Math.abs(v! - exact[i]!)).toBeLessThan(0.50002);
      });
    }),
  );
});

test("grey stays grey", () => {
  expect([...ybrToRgb(Uint8Array.of(0, 128, 128, 77, 128, 128, 255, 128, 128))]).toEqual([
    0, 0, 0, 77, 77, 77, 255, 255, 255,
  ]);
});

test("other widths are refused", () => {
  expect(() => ybrToRgb(new Uint16Array(3))).toThrow(expect.objectContaining({ code: "dicom-transfer-syntax" }));
});
