// y[o, i] = the sum or the largest of x[o, 0..width, i].
// x [outer width inner]; y [outer inner]. With lib/reduce.wgsl or lib/reduce_subgroups.wgsl.

struct Params {
  outer: u32,
  width: u32,
  inner: u32,
  op: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

const SUM = 0u;

// What nothing at all gives: 0, or -infinity, which WGSL has no word for.
fn nothing() -> f32 {
  return bitcast<f32>(select(0xff800000u, 0u, params.op == SUM));
}

fn fold(a: f32, b: f32) -> f32 {
  return select(max(a, b), a + b, params.op == SUM);
}

// A workgroup for each row of numbers that lie side by side.
@compute @workgroup_size(THREADS)
fn rows(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = group.x + group.y * groups.x;
  if (row >= params.outer) { return; }
  var own = nothing();
  for (var i = thread; i < params.width; i += THREADS) {
    own = fold(own, x[row * params.width + i]);
  }
  var all: f32;
  if (params.op == SUM) { all = sum_of(own, thread); } else { all = largest_of(own, thread); }
  if (thread == 0) { y[row] = all; }
}

// A thread for each result: neighbours read side by side where the rows lie apart.
@compute @workgroup_size(THREADS)
fn columns(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let i = (group.x + group.y * groups.x) * THREADS + thread;
  if (i >= params.outer * params.inner) { return; }
  let row = i / params.inner;
  let start = row * params.width * params.inner + i - row * params.inner;
  var all = nothing();
  for (var j = 0u; j < params.width; j++) {
    all = fold(all, x[start + j * params.inner]);
  }
  y[i] = all;
}
