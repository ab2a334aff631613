// sum = x + residual; y = sum / sqrt(mean(sum^2) + eps) * weight, one workgroup a row.
// x, residual, sum, y [rows width]; weight [width]. With lib/reduce.wgsl.

struct Params {
  rows: u32,
  width: u32,
  eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> residual: array<f32>;
@group(0) @binding(3) var<storage, read> weight: array<f32>;
@group(0) @binding(4) var<storage, read_write> sum: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

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
  for (var i = thread; i < params.width; i += THREADS) {
    let added = x[start + i] + residual[start + i];
    sum[start + i] = added;
    squares += added * added;
  }
  let scale = inverseSqrt(sum_of(squares, thread) / f32(params.width) + params.eps);
  // Each thread reads what it wrote itself.
  for (var i = thread; i < params.width; i += THREADS) {
    y[start + i] = sum[start + i] * scale * weight[i];
  }
}
