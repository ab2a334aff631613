// index = the place of the largest of each row, the first of equal ones; -1 in a row of nothing but NaN and -infinity.
// x [rows width]; keys, places [rows parts], the best of each part; index [rows].
// With lib/order.wgsl and lib/best.wgsl or lib/best_subgroups.wgsl.

struct Params {
  rows: u32,
  width: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> keys: array<u32>;
@group(0) @binding(3) var<storage, read_write> places: array<u32>;
@group(0) @binding(4) var<storage, read_write> index: array<i32>;

// Numbers of a row that one workgroup looks at.
const PART = 1024u;
// A place behind all others; as an i32 it is -1.
const NOWHERE = 0xffffffffu;

// A workgroup for each part of each row. A thread meets its places in order, so only a larger key is better.
@compute @workgroup_size(THREADS)
fn parts(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let id = group.x + group.y * groups.x;
  let count = (params.width + PART - 1) / PART;
  let row = id / count;
  if (row >= params.rows) { return; }
  let first = (id - row * count) * PART;
  var best = Candidate(0, NOWHERE);
  for (var i = first + thread; i < min(first + PART, params.width); i += THREADS) {
    let key = key_of(x[row * params.width + i]);
    if (key > best.key) { best = Candidate(key, i); }
  }
  best = best_of(best, thread);
  if (thread == 0) {
    keys[id] = best.key;
    places[id] = best.place;
    if (count == 1) { index[row] = i32(best.place); }
  }
}

// A workgroup for each row, where it has several parts.
@compute @workgroup_size(THREADS)
fn combine(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = group.x + group.y * groups.x;
  if (row >= params.rows) { return; }
  let count = (params.width + PART - 1) / PART;
  var best = Candidate(0, NOWHERE);
  for (var i = row * count + thread; i < (row + 1) * count; i += THREADS) {
    if (keys[i] > best.key) { best = Candidate(keys[i], places[i]); }
  }
  best = best_of(best, thread);
  if (thread == 0) { index[row] = i32(best.place); }
}
