// Weights as float32. A storage says how to read a matrix [rows width] whose rows begin at words:
// by number, at any width, or by units of the vector type `Unit`, where `units_per_row` of them make a row without rest.

@group(0) @binding(2) var<storage, read> weight: array<u32>;
@group(0) @binding(2) var<storage, read> units: array<Unit>;
@group(0) @binding(3) var<storage, read> scale: array<f32>;

alias Unit = vec4u;
// Numbers of a unit.
const UNIT = 4u;

fn units_per_row(width: u32) -> u32 { return width / 4; }

// Four numbers of a unit, before their scale.
fn four(unit: Unit, at: u32) -> vec4f { return bitcast<vec4f>(unit); }

// What the numbers of a unit are multiplied by.
fn unit_scale(row: u32, unit: u32, width: u32) -> f32 { return 1.0; }

// One number, its scale included.
fn number(row: u32, i: u32, width: u32) -> f32 { return bitcast<f32>(weight[row * width + i]); }
