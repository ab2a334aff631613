// Weights as int4 in groups of 32 with one scale: (stored - 8) * scale, eight to a word. A row's last group is filled up with
// zeros. storage/f32.wgsl says what each function is for.

@group(0) @binding(2) var<storage, read> weight: array<u32>;
@group(0) @binding(2) var<storage, read> units: array<Unit>;
@group(0) @binding(3) var<storage, read> scale: array<f32>;

alias Unit = u32;
const UNIT = 8u;

fn groups_per_row(width: u32) -> u32 { return (width + 31) / 32; }
fn units_per_row(width: u32) -> u32 { return groups_per_row(width) * 4; }

fn four(unit: Unit, at: u32) -> vec4f {
  let stored = (vec4u(unit >> (16 * at)) >> vec4u(0, 4, 8, 12)) & vec4u(15);
  // 2^23 + stored, by its bits: cheaper than a conversion, and exact.
  return bitcast<vec4f>(stored | vec4u(0x4b000000)) - 8388616.0;
}

fn unit_scale(row: u32, unit: u32, width: u32) -> f32 { return scale[row * groups_per_row(width) + unit / 4]; }

fn number(row: u32, i: u32, width: u32) -> f32 {
  let group = row * groups_per_row(width) + i / 32;
  let stored = (weight[group * 4 + i % 32 / 8] >> (i % 8 * 4)) & 15;
  return (f32(stored) - 8.0) * scale[group];
}
