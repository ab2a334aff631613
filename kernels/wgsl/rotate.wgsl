// Each pair of a head's numbers turned by its position's angle: x, y [rows heads dim]; cos, sin [seq dim/2]. The position
// of a row is (row0 + row) modulo seq. With lib/pair.wgsl and lib/heads.wgsl.

struct Params {
  rows: u32,
  seq: u32,
  heads: u32,
  dim: u32,
  interleaved: u32,
  row0: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> cos: array<f32>;
@group(0) @binding(3) var<storage, read> sin: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

override THREADS: u32 = 64;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let i = (group.x + group.y * groups.x) * THREADS + thread;
  if (i >= params.rows * shares_of_row()) { return; }
  let share = share_of(i);
  let at = (params.row0 + share.row) % params.seq * (params.dim / 2) + share.pair;
  turn_share(share, vec2f(cos[at], sin[at]));
}
