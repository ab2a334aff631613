// Weights as bfloat16, two to a word: the upper half of a float32. storage/f32.wgsl says what each function is for.

@group(0) @binding(2) var<storage, read> weight: array<u32>;
@group(0) @binding(2) var<storage, read> units: array<Unit>;
@group(0) @binding(3) var<storage, read> scale: array<f32>;

alias Unit = vec4u;
const UNIT = 8u;

fn units_per_row(width: u32) -> u32 { return width / 8; }

fn four(unit: Unit, at: u32) -> vec4f {
  let words = select(unit.xy, unit.zw, at == 1);
  return bitcast<vec4f>(vec4u(words.x << 16, words.x & 0xffff0000, words.y << 16, words.y & 0xffff0000));
}

fn unit_scale(row: u32, unit: u32, width: u32) -> f32 { return 1.0; }

fn number(row: u32, i: u32, width: u32) -> f32 {
  let word = weight[row * ((width + 1) / 2) + i / 2];
  return bitcast<f32>(select(word << 16, word & 0xffff0000, i % 2 == 1));
}
