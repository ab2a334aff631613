/** What `ByteLevel` cuts a text by unless told otherwise: GPT-2's pattern. */
const GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

const split = (regex: string) => ({
  type: "Split",
  pattern: { Regex: regex },
  behavior: "Isolated",
  invert: false,
});

/**
 * A pre-tokenizer of tokenizer.json in steps for which the library gives what `tokenizers` gives. Its `Digits` knows the
 * digits of ASCII, where `tokenizers` asks for any number of Unicode (Nd, Nl, No): ` ²` and ` ½` got other tokens. Its
 * `ByteLevel` has JavaScript's white space, with U+FEFF and without U+0085. Its `Split` has neither fault, so it stands in.
 */
export function faithful(step: unknown): unknown {
  if (typeof step !== "object" || step === null) return step;
  if ("pretokenizers" in step && Array.isArray(step.pretokenizers))
    return { ...step, pretokenizers: step.pretokenizers.map(faithful) };
  const fields = step as { readonly [field: string]: unknown };
  if (fields.type === "Digits") return split(fields.individual_digits === true ? "\\p{N}" : "\\p{N}+");
  // With a prefix space the text is changed before it is cut.
  if (fields.type === "ByteLevel" && fields.use_regex !== false && fields.add_prefix_space === false)
    return { type: "Sequence", pretokenizers: [split(GPT2), { ...step, use_regex: false }] };
  return step;
}
