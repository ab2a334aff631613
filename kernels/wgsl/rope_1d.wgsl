// Rotary positions without tables: each pair of a head's numbers turned by position * frequency.
// x, y [rows heads dim]; position [rows]; frequencies [dim/2]. With lib/trig.wgsl, lib/pair.wgsl and lib/heads.wgsl.

struct Params {
  rows: u32,
  heads: u32,
  dim: u32,
  interleaved: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> position: array<i32>;
@group(0) @binding(3) var<storage, read> frequencies: array<f32>;
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
  turn_share(share, cos_sin(f32(position[share.row]) * frequencies[share.pair]));
}
