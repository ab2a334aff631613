// y[o, c, i] = x[o, index[c], i]; zeros where the index is outside.
// x [outer rows inner]; index [count]; y [outer count inner]. Of a single table, whose outer is 1, a launch may see a part: `bound`
// of its rows, whose first is row `row0`. Rows of y that are not in that part are another launch's.

struct Params {
  outer: u32,
  rows: u32,
  inner: u32,
  count: u32,
  row0: u32,
  bound: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read> index: array<i32>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;

override THREADS: u32 = 256;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let i = (group.x + group.y * groups.x) * THREADS + thread;
  if (i >= params.outer * params.count * params.inner) { return; }
  let line = i / params.inner;
  let column = i - line * params.inner;
  let part = line / params.count;
  // A negative index becomes a large one.
  let row = u32(index[line - part * params.count]);
  if (row >= params.rows) {
    y[i] = 0;
  } else if (row >= params.row0 && row - params.row0 < params.bound) {
    y[i] = x[(part * params.rows + row - params.row0) * params.inner + column];
  }
}
