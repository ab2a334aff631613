// Each head is normed, x / sqrt(mean(x^2) + eps) * weight, and its pairs turned by their position's angle, one workgroup a head.
// x, y [rows heads dim]; weight [dim]; cos, sin [seq dim/2]. The position of a row is (row0 + row) modulo seq.
// With lib/reduce.wgsl and lib/pair.wgsl.

struct Params {
  rows: u32,
  seq: u32,
  heads: u32,
  dim: u32,
  eps: f32,
  interleaved: u32,
  row0: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> cos: array<f32>;
@group(0) @binding(4) var<storage, read> sin: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let head = group.x + group.y * groups.x;
  // The grid may be larger than the heads; all threads of a workgroup agree, so barriers stay uniform.
  if (head >= params.rows * params.heads) { return; }
  let start = head * params.dim;
  let half = params.dim / 2;

  var squares = 0.0;
  for (var i = thread; i < params.dim; i += THREADS) { squares += x[start + i] * x[start + i]; }
  let scale = inverseSqrt(sum_of(squares, thread) / f32(params.dim) + params.eps);

  let position = (params.row0 + head / params.heads) % params.seq;
  for (var j = thread; j < half; j += THREADS) {
    let place = pair_of(j, params.dim, params.interleaved);
    let normed = vec2f(x[start + place.x] * weight[place.x], x[start + place.y] * weight[place.y]) * scale;
    let at = position * half + j;
    let turned = rotate_pair(normed, vec2f(cos[at], sin[at]));
    y[start + place.x] = turned.x;
    y[start + place.y] = turned.y;
  }
}
