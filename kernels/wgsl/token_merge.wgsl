// The weighted sum of each window of tokens: x [rows*window width]; weights [window]; y [rows width].

struct Params {
  rows: u32,
  window: u32,
  width: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

override THREADS: u32 = 64;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let i = (group.x + group.y * groups.x) * THREADS + thread;
  if (i >= params.rows * params.width) { return; }
  let first = (i / params.width) * params.window * params.width + i % params.width;
  var sum = 0.0;
  for (var place = 0u; place < params.window; place++) {
    // Most of a bilinear window weighs nothing from m = 3 on, and is not read.
    let weight = weights[place];
    if (weight != 0.0) { sum += weight * x[first + place * params.width]; }
  }
  y[i] = sum;
}
