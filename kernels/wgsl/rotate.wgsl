// Each pair of a head's numbers turned by its position's angle: x, y [rows heads dim]; cos, sin [seq dim/2]. The position
// of a row is (row0 + row) modulo seq. With lib/pair.wgsl.

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

// Heads of which a thread turns one pair.
override HEADS: u32 = 4;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let i = (group.x + group.y * groups.x) * THREADS + thread;
  let half = params.dim / 2;
  let shares = (params.heads + HEADS - 1) / HEADS;
  if (i >= params.rows * shares * half) { return; }
  let j = i % half;
  let row = i / half / shares;
  let first = i / half % shares * HEADS;
  let at = (params.row0 + row) % params.seq * half + j;
  let turn = vec2f(cos[at], sin[at]);
  for (var head = first; head < min(first + HEADS, params.heads); head++) {
    let place = (row * params.heads + head) * params.dim + pair_of(j, params.dim, params.interleaved);
    let turned = rotate_pair(vec2f(x[place.x], x[place.y]), turn);
    y[place.x] = turned.x;
    y[place.y] = turned.y;
  }
}
