// y[c] = weight[index[c]]; zeros where the index is outside. index [count]; weight [rows width] as its storage lays it out;
// y [count width]. A launch may see a part of the table: `bound` of its rows, whose first is row `row0`. Rows of y that are not
// in that part are another launch's.

struct Params {
  count: u32,
  rows: u32,
  width: u32,
  row0: u32,
  bound: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> index: array<i32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

override THREADS: u32 = 256;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let at = (group.x + group.y * groups.x) * THREADS + thread;
  if (at >= params.count * params.width) { return; }
  // A negative index becomes a large one.
  let row = u32(index[at / params.width]);
  if (row >= params.rows) {
    y[at] = 0.0;
  } else if (row >= params.row0 && row - params.row0 < params.bound) {
    y[at] = number(row - params.row0, at % params.width, params.width);
  }
}
