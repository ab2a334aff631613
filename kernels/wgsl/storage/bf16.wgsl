// Weights as bfloat16, two to a word: the upper half of a float32. storage/f32.wgsl says what each function is for.

@group(0) @binding(2) var<storage, read> weight: array<u32>;
@group(0) @binding(2) var<storage, read> units: array<Unit>;
@group(0) @binding(3) var<storage, read> scale: array<f32>;

alias Unit = vec2u;
const UNIT = 4u;

fn units_per_row(width: u32) -> u32 { return width / 4; }

fn four(unit: Unit, at: u32) -> vec4f {
  return bitcast<vec4f>(vec4u(unit.x << 16, unit.x & 0xffff0000, unit.y << 16, unit.y & 0xffff0000));
}

fn unit_scale(row: u32, unit: u32, width: u32) -> f32 { return 1.0; }

fn number(row: u32, i: u32, width: u32) -> f32 {
  let word = weight[row * ((width + 1) / 2) + i / 2];
  return bitcast<f32>(select(word << 16, word & 0xffff0000, i % 2 == 1));
}
