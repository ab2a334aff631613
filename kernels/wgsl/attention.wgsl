// y = softmax(scale q k^T) v over each head, in memory of O(seq + ctx): the softmax is kept as a running maximum, a running sum
// and a running mix of values, which are faded when the maximum grows. Milakov and Gimelshein, 2018; Dao et al., 2022.
// q, y [batch seq heads dim]; k, v [batch ctx kv dim]; segments i32 [seq]; partial: see `put`.
//
// The heads that share a key head are taken as rows of one block, as they read the same keys: row r of a key head is query
// r / share, head r % share of those that share it.

struct Params {
  batch: u32,
  seq: u32,
  ctx: u32,
  heads: u32,
  kv: u32,
  dim: u32,
  scale: f32,
  causal: u32,
  window: u32,
  softcap: f32,
  segments: u32,
  // Of this launch: where its first query stands in the context; the keys [begin, end) that it goes through; at which of the
  // bound rows its queries and its keys begin; its parts, the first of them, and those of the whole context.
  at: u32,
  begin: u32,
  end: u32,
  query0: u32,
  key0: u32,
  cuts: u32,
  part0: u32,
  parts: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read> k: array<f32>;
@group(0) @binding(3) var<storage, read> v: array<f32>;
@group(0) @binding(4) var<storage, read> segments: array<i32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
@group(0) @binding(6) var<storage, read_write> partial: array<f32>;

// The score of a key that a row does not see. Finite, so that no difference of two scores is a NaN.
const HIDDEN = -1e30;
// Of a row that is not there.
const NOWHERE = 0xffffffffu;

// Where row r of a key head begins in q and in y.
fn row_start(batch: u32, kv: u32, r: u32) -> u32 {
  let share = params.heads / params.kv;
  return ((params.query0 + batch * params.seq + r / share) * params.heads + kv * share + r % share) * params.dim;
}

// Where the rows r to r + 3 stand in the context.
fn spots(r: u32) -> vec4u {
  return params.at + (vec4u(r) + vec4u(0, 1, 2, 3)) / (params.heads / params.kv);
}

// The segments of those; a row that is not there has that of the last one.
fn segments_at(spot: vec4u) -> vec4i {
  if (params.segments == 0) { return vec4i(); }
  let at = min(spot, vec4u(params.ctx - 1));
  return vec4i(segments[at.x], segments[at.y], segments[at.z], segments[at.w]);
}

// Where a key begins in k and in v.
fn key_start(batch: u32, kv: u32, key: u32) -> u32 {
  return ((params.key0 + batch * params.ctx + key - params.begin) * params.kv + kv) * params.dim;
}

// The keys, [x y), that a part of this launch has to go through for the queries `first` to `last`. All parts but the last are of
// one size, a multiple of `step`; a part may be empty.
fn span(first: u32, last: u32, cut: u32, step: u32) -> vec2u {
  var begin = params.begin;
  var end = params.end;
  if (params.causal != 0) {
    end = min(end, params.at + last + 1);
    let seen = params.at + first + 1;
    if (params.window != 0 && seen > params.window) { begin = max(begin, seen - params.window); }
  }
  let steps = (end - min(begin, end) + step - 1) / step;
  let size = (steps + params.cuts - 1) / params.cuts * step;
  let start = min(end, begin + cut * size);
  return vec2u(start, min(end, start + size));
}

// Scores as the softmax takes them: capped, and hidden where a row does not see the key.
fn masked(score: vec4f, spot: vec4u, segment: vec4i, key: u32) -> vec4f {
  var s = score;
  if (params.softcap != 0) {
    // Beyond 10 a tanh is 1 in float32; some devices give NaN for large arguments.
    s = params.softcap * tanh(clamp(s / params.softcap, vec4f(-10), vec4f(10)));
  }
  var seen = vec4<bool>(true);
  if (params.causal != 0) {
    seen = vec4u(key) <= spot;
    if (params.window != 0) { seen = seen & (vec4u(key + params.window) > spot); }
  }
  if (params.segments != 0) { seen = seen & (vec4i(segments[key]) == segment); }
  return select(vec4f(HIDDEN), s, seen);
}

// exp(score - most), and 0 for what is hidden, also where nothing has been seen yet.
fn weigh(score: vec4f, most: vec4f) -> vec4f {
  return select(exp(score - most), vec4f(), score <= vec4f(HIDDEN));
}

// What weights are faded by when the greatest score grows. Where nothing has been seen the difference is of size 1e30, at which
// nobody should ask a device for its exp; e^-100 of nothing is nothing too.
fn fade_of(below: vec4f) -> vec4f { return exp(max(below, vec4f(-100))); }

// Four numbers of a row from d on; those behind its end are 0.

fn query(start: u32, d: u32) -> vec4f {
  var x = vec4f();
  for (var e = 0u; e < 4 && d + e < params.dim; e++) { x[e] = q[start + d + e]; }
  return x * params.scale;
}

fn key_at(start: u32, d: u32) -> vec4f {
  var x = vec4f();
  for (var e = 0u; e < 4 && d + e < params.dim; e++) { x[e] = k[start + d + e]; }
  return x;
}

fn value_at(start: u32, d: u32) -> vec4f {
  var x = vec4f();
  for (var e = 0u; e < 4 && d + e < params.dim; e++) { x[e] = v[start + d + e]; }
  return x;
}

// Where a part's mix of the row that begins at `start` lies in `partial`: dim numbers, the greatest score, the sum of weights.
fn partial_start(start: u32, part: u32) -> u32 {
  return ((start / params.dim - params.query0 * params.heads) * params.parts + part) * (params.dim + 2);
}

// Write four numbers of a row: to y if there is but one part, else unscaled to `partial`, for `combine`.
fn put(start: u32, part: u32, d: u32, mix: vec4f, sum: f32) {
  if (params.parts == 1) {
    // A row that has seen nothing is 0.
    let x = mix / select(1.0, sum, sum > 0);
    for (var e = 0u; e < 4 && d + e < params.dim; e++) { y[start + d + e] = x[e]; }
  } else {
    let to = partial_start(start, part) + d;
    for (var e = 0u; e < 4 && d + e < params.dim; e++) { partial[to + e] = mix[e]; }
  }
}

// Behind it, what `combine` needs to know of the part.
fn put_rest(start: u32, part: u32, most: f32, sum: f32) {
  if (params.parts == 1) { return; }
  let to = partial_start(start, part) + params.dim;
  partial[to] = most;
  partial[to + 1] = sum;
}

const COMBINE_THREADS = 64u;

// One thread a number of y.
@compute @workgroup_size(COMBINE_THREADS)
fn combine(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let n = (group.x + group.y * groups.x) * COMBINE_THREADS + thread;
  let dim = params.dim;
  if (n >= params.batch * params.seq * params.heads * dim) { return; }
  let i = params.query0 * params.heads * dim + n;
  let d = n % dim;
  let base = partial_start(i - d, 0);
  var most = HIDDEN;
  for (var part = 0u; part < params.parts; part++) { most = max(most, partial[base + part * (dim + 2) + dim]); }
  var mix = 0.0;
  var sum = 0.0;
  for (var part = 0u; part < params.parts; part++) {
    let at = base + part * (dim + 2);
    let weight = exp(max(partial[at + dim] - most, -100.0));
    mix += weight * partial[at + d];
    sum += weight * partial[at + dim + 1];
  }
  y[i] = mix / select(1.0, sum, sum > 0);
}
