// y = x / sqrt(mean(x^2) + eps) * weight, one workgroup a row.
// x, y [rows width]; weight [width].

struct Params {
  rows: u32,
  width: u32,
  eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

override THREADS: u32 = 64;
var<workgroup> partial: array<f32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = group.x + group.y * groups.x;
  // The grid may be larger than the rows; all threads of a workgroup agree, so the barriers below stay uniform.
  if (row >= params.rows) { return; }
  let start = row * params.width;

  var sum = 0.0;
  for (var i = thread; i < params.width; i += THREADS) {
    sum += x[start + i] * x[start + i];
  }
  partial[thread] = sum;
  for (var half = THREADS / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (thread < half) { partial[thread] += partial[thread + half]; }
  }
  workgroupBarrier();

  let scale = inverseSqrt(partial[0] / f32(params.width) + params.eps);
  for (var i = thread; i < params.width; i += THREADS) {
    y[start + i] = x[start + i] * scale * weight[i];
  }
}
