// y = x / sqrt(mean(x^2) + eps) * weight, one workgroup a row.
// x, y [rows width]; weight [width]. With lib/reduce.wgsl.

struct Params {
  rows: u32,
  width: u32,
  eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

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

  var squares = 0.0;
  for (var i = thread; i < params.width; i += THREADS) { squares += x[start + i] * x[start + i]; }
  let scale = inverseSqrt(sum_of(squares, thread) / f32(params.width) + params.eps);
  for (var i = thread; i < params.width; i += THREADS) {
    y[start + i] = x[start + i] * scale * weight[i];
  }
}
