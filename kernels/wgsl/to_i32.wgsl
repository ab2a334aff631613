// y = x without its fraction. Beyond 32 bits the nearest float32 that fits, and 0 for a NaN.
// x, y [count].

struct Params {
  count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<i32>;

override THREADS: u32 = 256;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let i = (group.x + group.y * groups.x) * THREADS + thread;
  if (i >= params.count) { return; }
  let value = clamp(x[i], -2147483648.0, 2147483520.0);
  // By its bits: a compiler may take it that there are no NaNs.
  let nan = (bitcast<u32>(x[i]) & 0x7fffffffu) > 0x7f800000u;
  y[i] = select(i32(value), 0, nan);
}
