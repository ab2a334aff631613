// The cosine and sine of each position's angles, at * frequency in float32. at [seq]; frequencies [n]; cos, sin [seq n].
// With lib/trig.wgsl.

struct Params {
  seq: u32,
  n: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> at: array<i32>;
@group(0) @binding(2) var<storage, read> frequencies: array<f32>;
@group(0) @binding(3) var<storage, read_write> cos: array<f32>;
@group(0) @binding(4) var<storage, read_write> sin: array<f32>;

override THREADS: u32 = 64;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let i = (group.x + group.y * groups.x) * THREADS + thread;
  if (i >= params.seq * params.n) { return; }
  let turned = cos_sin(f32(at[i / params.n]) * frequencies[i % params.n]);
  cos[i] = turned.x;
  sin[i] = turned.y;
}
