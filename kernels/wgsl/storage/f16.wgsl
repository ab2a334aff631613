// Weights as float16, two to a word; needs no shader-f16. storage/f32.wgsl says what each function is for.

@group(0) @binding(2) var<storage, read> weight: array<u32>;
@group(0) @binding(2) var<storage, read> units: array<Unit>;
@group(0) @binding(3) var<storage, read> scale: array<f32>;

alias Unit = vec2u;
const UNIT = 4u;

fn units_per_row(width: u32) -> u32 { return width / 4; }

fn four(unit: Unit, at: u32) -> vec4f {
  return vec4f(unpack2x16float(unit.x), unpack2x16float(unit.y));
}

fn unit_scale(row: u32, unit: u32, width: u32) -> f32 { return 1.0; }

fn number(row: u32, i: u32, width: u32) -> f32 {
  let pair = unpack2x16float(weight[row * ((width + 1) / 2) + i / 2]);
  return select(pair.x, pair.y, i % 2 == 1);
}
