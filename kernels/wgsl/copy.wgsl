// y[to + sum place_i * t_i] = x[from + sum place_i * s_i] for all places of d0 x ... x d5.
// x as far as it is read; y [size], of which all else stays as it is.

struct Params {
  count: u32,
  d0: u32,
  d1: u32,
  d2: u32,
  d3: u32,
  d4: u32,
  d5: u32,
  s0: u32,
  s1: u32,
  s2: u32,
  s3: u32,
  s4: u32,
  s5: u32,
  t0: u32,
  t1: u32,
  t2: u32,
  t3: u32,
  t4: u32,
  t5: u32,
  // "from" is a word of WGSL.
  from_: u32,
  to: u32,
  size: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

override THREADS: u32 = 256;

// What is left of the index, and the two places so far.
struct Walk {
  rest: u32,
  x: u32,
  y: u32,
}

// Take the fastest axis off. All threads agree on its size, so that an axis of one costs no division.
fn step(walk: Walk, d: u32, s: u32, t: u32) -> Walk {
  if (d == 1u) { return walk; }
  let rest = walk.rest / d;
  let place = walk.rest - rest * d;
  return Walk(rest, walk.x + place * s, walk.y + place * t);
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let i = (group.x + group.y * groups.x) * THREADS + thread;
  if (i >= params.count) { return; }
  var walk = Walk(i, params.from_, params.to);
  walk = step(walk, params.d5, params.s5, params.t5);
  walk = step(walk, params.d4, params.s4, params.t4);
  walk = step(walk, params.d3, params.s3, params.t3);
  walk = step(walk, params.d2, params.s2, params.t2);
  walk = step(walk, params.d1, params.s1, params.t1);
  walk = step(walk, params.d0, params.s0, params.t0);
  y[walk.y] = x[walk.x];
}
