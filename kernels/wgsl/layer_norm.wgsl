// y = (x - mean(x)) / sqrt(variance(x) + eps) * weight + bias, one workgroup a row.
// x, y [rows width]; weight, bias [width]. With lib/reduce.wgsl.

struct Params {
  rows: u32,
  width: u32,
  eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

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
  let width = f32(params.width);

  var sum = 0.0;
  for (var i = thread; i < params.width; i += THREADS) { sum += x[start + i]; }
  let mean = sum_of(sum, thread) / width;

  // Far from 0 the mean has lost digits. What it is wrong by is the mean of what is left, and that keeps them all:
  // Chan, Golub and LeVeque, 1983, the corrected two-pass algorithm.
  var rest = 0.0;
  var squares = 0.0;
  for (var i = thread; i < params.width; i += THREADS) {
    let centred = x[start + i] - mean;
    rest += centred;
    squares += centred * centred;
  }
  let wrong = sum_of(rest, thread) / width;
  let variance = sum_of(squares, thread) / width - wrong * wrong;
  let scale = inverseSqrt(max(variance, 0.0) + params.eps);
  for (var i = thread; i < params.width; i += THREADS) {
    y[start + i] = ((x[start + i] - mean) * scale - wrong * scale) * weight[i] + bias[i];
  }
}
