// y = exp(x - max(x)) / sum(exp(x - max(x))), one workgroup a row.
// x, y [rows width]. With lib/reduce.wgsl.

struct Params {
  rows: u32,
  width: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

// A masked number, -1e30 or -infinity, weighs exactly nothing, whatever a device's exp gives there.
fn weight_of(below: f32) -> f32 {
  return select(exp(below), 0.0, below < -100.0);
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = group.x + group.y * groups.x;
  // The grid may be larger than the rows; all threads of a workgroup agree, so barriers stay uniform.
  if (row >= params.rows) { return; }
  let start = row * params.width;

  var most = x[start];
  for (var i = thread; i < params.width; i += THREADS) { most = max(most, x[start + i]); }
  let largest = largest_of(most, thread);

  var sum = 0.0;
  for (var i = thread; i < params.width; i += THREADS) { sum += weight_of(x[start + i] - largest); }
  let all = sum_of(sum, thread);
  for (var i = thread; i < params.width; i += THREADS) {
    y[start + i] = weight_of(x[start + i] - largest) / all;
  }
}
