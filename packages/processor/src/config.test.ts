import { describe, expect, it } from "vitest";
import { codeOf } from "../test/helpers.js";
import { DEFAULT_CONFIG, parsePreprocessorConfig } from "./config.js";

describe("parsePreprocessorConfig", () => {
  it("fills in the defaults", () => {
    expect(parsePreprocessorConfig({})).toEqual(DEFAULT_CONFIG);
    expect(parsePreprocessorConfig({ patch_size: null, image_mean: null, whatever: 1 })).toEqual(DEFAULT_CONFIG);
    expect(DEFAULT_CONFIG).toMatchObject({ patchSize: 14, minTokens: 16, maxTokens: 16384 });
  });

  it("reads what is there", () => {
    const config = {
      patch_size: 16,
      min_tokens: 9,
      max_tokens: 99,
      image_mean: [0, 0.5, 1],
      image_std: [1, 2, 3],
      rescale_factor: 0.5,
    };
    expect(parsePreprocessorConfig(config)).toEqual({
      patchSize: 16,
      minTokens: 9,
      maxTokens: 99,
      mean: [0, 0.5, 1],
      std: [1, 2, 3],
      rescaleFactor: 0.5,
    });
  });

  it.each([
    null,
    [],
    { patch_size: 0 },
    { patch_size: "14" },
    { max_tokens: 1.5 },
    { min_tokens: 20, max_tokens: 10 },
    { image_mean: [0, 0] },
    { image_mean: [0, 0, 0, 0] },
    { image_mean: [0, "0", 0, 0] },
    { image_std: [1, 0, 1] },
    { image_std: 1 },
    { rescale_factor: -1 },
  ])("names a bad value: %j", (json) => {
    expect(codeOf(() => parsePreprocessorConfig(json))).toBe("config-invalid");
  });

  it.each([{ do_resize: false }, { do_normalize: false }, { do_rescale: 1 }, { resample: 2 }])("refuses %j", (json) => {
    expect(codeOf(() => parsePreprocessorConfig(json))).toBe("config-unsupported");
  });
});
