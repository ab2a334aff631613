// y = visual[index] where the index is 0 or more, else text; zeros where it is past the end.
// text, y [rows width]; visual [visuals width]; index [rows]. A launch may see a part of the visual rows: `bound` of them, whose
// first is row `visual0`. Rows of y that are not in that part are another launch's.

struct Params {
  rows: u32,
  width: u32,
  visuals: u32,
  visual0: u32,
  bound: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> text: array<f32>;
@group(0) @binding(2) var<storage, read> visual: array<f32>;
@group(0) @binding(3) var<storage, read> index: array<i32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

override THREADS: u32 = 256;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let i = (group.x + group.y * groups.x) * THREADS + thread;
  if (i >= params.rows * params.width) { return; }
  let row = i / params.width;
  let from_row = index[row];
  let at = u32(from_row) - params.visual0;
  if (from_row < 0) {
    y[i] = text[i];
  } else if (u32(from_row) >= params.visuals) {
    y[i] = 0.0;
  } else if (u32(from_row) >= params.visual0 && at < params.bound) {
    y[i] = visual[at * params.width + i - row * params.width];
  }
}
