// Rotary positions of a picture, without tables: the first half of a head's pairs is turned by row * frequency, the second by
// col * frequency. x, y [rows heads dim]; row, col [rows]; frequencies [dim/4]. With lib/trig.wgsl and lib/pair.wgsl.

struct Params {
  rows: u32,
  heads: u32,
  dim: u32,
  interleaved: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> row: array<i32>;
@group(0) @binding(3) var<storage, read> col: array<i32>;
@group(0) @binding(4) var<storage, read> frequencies: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

override THREADS: u32 = 64;
// Heads that a thread turns by the angle that it has made.
override HEADS: u32 = 4;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let i = (group.x + group.y * groups.x) * THREADS + thread;
  let half = params.dim / 2;
  let quarter = params.dim / 4;
  let shares = (params.heads + HEADS - 1) / HEADS;
  if (i >= params.rows * shares * half) { return; }
  let j = i % half;
  let token = i / half / shares;
  let first = i / half % shares * HEADS;
  let at = select(col[token], row[token], j < quarter);
  let turn = cos_sin(f32(at) * frequencies[j % quarter]);
  for (var head = first; head < min(first + HEADS, params.heads); head++) {
    let place = (token * params.heads + head) * params.dim + pair_of(j, params.dim, params.interleaved);
    let turned = rotate_pair(vec2f(x[place.x], x[place.y]), turn);
    y[place.x] = turned.x;
    y[place.y] = turned.y;
  }
}
