// Floats as whole numbers in the same order, so that comparisons are exact on every device: 0 for what cannot be chosen (NaN
// and -infinity), and one number for both zeros.
fn key_of(value: f32) -> u32 {
  let bits = bitcast<u32>(value);
  let magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u || bits == 0xff800000u) { return 0; }
  if (magnitude == 0) { return 0x80000000u; }
  return select(bits | 0x80000000u, ~bits, bits != magnitude);
}
