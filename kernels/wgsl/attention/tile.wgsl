// Many queries: a workgroup takes 4 * TEAMS rows of one key head and goes through the keys, 32 at a time. Thread (team, lane)
// has the rows 4 team to 4 team + 3: of the scores the keys lane + 8 n, of the mix the numbers 4 (lane + 8 n) and the three behind.

override TEAMS: u32 = 8;
const LANES = 8u;
const KEYS = 32u;
// Vectors of a row that are staged at once. The stride is odd, so that the lanes meet different banks.
const CHUNK = 8u;
const STRIDE = 9u;

// Rows of q, then rows of k; after the scores rows of v.
var<workgroup> staged: array<vec4f, (4 * TEAMS + 32) * 9>;
// By key and team: the weights of its four rows.
var<workgroup> weights: array<vec4f, 32 * TEAMS>;
// By lane and team: what the lanes have found for the four rows.
var<workgroup> found: array<vec4f, 8 * TEAMS>;
// Where the rows begin in q.
var<workgroup> starts: array<u32, 4 * TEAMS>;

// Whether a key of [from, to) can be in a segment from `low` to `high`. All threads agree.
fn meets(begin: u32, to: u32, low: i32, high: i32) -> bool {
  for (var key = begin; key < to; key++) {
    if (segments[key] >= low && segments[key] <= high) { return true; }
  }
  return false;
}

// The least and the greatest segment of the queries `first` to `last`.
fn segment_bounds(first: u32, last: u32) -> vec2i {
  if (params.segments == 0) { return vec2i(); }
  var bounds = vec2i(segments[params.at + first]);
  for (var i = first + 1; i <= last; i++) {
    let s = segments[params.at + i];
    bounds = vec2i(min(bounds.x, s), max(bounds.y, s));
  }
  return bounds;
}

// `vecs`: how many times 8 vectors hold a row; `together`: rows of v staged at once. Both are known when the entry is compiled,
// so that the loops over `mix` unroll and it lies in registers.
fn attend(vecs: u32, together: u32, group: vec3u, thread: u32) {
  let rows = 4 * TEAMS;
  let threads = LANES * TEAMS;
  let lane = thread % LANES;
  let team = thread / LANES;
  let share = params.heads / params.kv;
  let total = params.seq * share;
  let first = group.x * rows;
  let kv = group.y / params.cuts;
  let cut = group.y % params.cuts;
  let part = params.part0 + cut;
  let first_query = first / share;
  let last_query = (min(first + rows, total) - 1) / share;

  if (thread < rows) {
    starts[thread] = select(NOWHERE, row_start(group.z, kv, first + thread), first + thread < total);
  }

  let spot = spots(first + 4 * team);
  let segment = segments_at(spot);
  let bounds = segment_bounds(first_query, last_query);
  let keys = span(first_query, last_query, cut, KEYS);
  let step = params.kv * params.dim;

  var most = vec4f(HIDDEN);
  var sum = vec4f();
  var mix: array<vec4f, 32>;

  for (var tile = keys.x; tile < keys.y; tile += KEYS) {
    let end = min(tile + KEYS, keys.y);
    let origin = key_start(group.z, kv, tile);
    if (params.segments != 0 && !meets(tile, end, bounds.x, bounds.y)) { continue; }

    var s = array<vec4f, 4>();
    for (var chunk = 0u; 4 * chunk < params.dim; chunk += CHUNK) {
      let left = min(CHUNK, (params.dim + 3) / 4 - chunk);
      workgroupBarrier();
      for (var n = thread; n < (rows + KEYS) * CHUNK; n += threads) {
        let row = n / CHUNK;
        let d = 4 * (chunk + n % CHUNK);
        var x = vec4f();
        if (row < rows) {
          if (starts[row] != NOWHERE) { x = query(starts[row], d); }
        } else if (tile + row - rows < end) { x = key_at(origin + (row - rows) * step, d); }
        staged[row * STRIDE + n % CHUNK] = x;
      }
      workgroupBarrier();
      for (var d = 0u; d < left; d++) {
        let q0 = staged[(4 * team) * STRIDE + d];
        let q1 = staged[(4 * team + 1) * STRIDE + d];
        let q2 = staged[(4 * team + 2) * STRIDE + d];
        let q3 = staged[(4 * team + 3) * STRIDE + d];
        for (var n = 0u; n < 4; n++) {
          let x = staged[(rows + lane + LANES * n) * STRIDE + d];
          s[n] += vec4f(dot(q0, x), dot(q1, x), dot(q2, x), dot(q3, x));
        }
      }
    }

    var peak = vec4f(HIDDEN);
    for (var n = 0u; n < 4; n++) {
      let key = tile + lane + LANES * n;
      if (key < end) { s[n] = masked(s[n], spot, segment, key); } else { s[n] = vec4f(HIDDEN); }
      peak = max(peak, s[n]);
    }
    found[lane * TEAMS + team] = peak;
    workgroupBarrier();
    var now = most;
    for (var other = 0u; other < LANES; other++) { now = max(now, found[other * TEAMS + team]); }
    let fade = fade_of(most - now);
    most = now;
    sum *= fade;
    for (var n = 0u; n < 4; n++) {
      let weight = weigh(s[n], most);
      weights[(lane + LANES * n) * TEAMS + team] = weight;
      sum += weight;
    }
    for (var j = 0u; j < vecs; j++) {
      mix[j] *= fade.x;
      mix[8 + j] *= fade.y;
      mix[16 + j] *= fade.z;
      mix[24 + j] *= fade.w;
    }

    let width = vecs * LANES;
    for (var base = 0u; base < end - tile; base += together) {
      for (var n = thread; n < together * width; n += threads) {
        let key = base + n / width;
        var x = vec4f();
        // What lies behind the keys may be anything, and 0 times it need not be 0.
        if (tile + key < end) { x = value_at(origin + key * step, 4 * (n % width)); }
        staged[n] = x;
      }
      workgroupBarrier();
      for (var key = 0u; key < together; key++) {
        let weight = weights[(base + key) * TEAMS + team];
        for (var j = 0u; j < vecs; j++) {
          let x = staged[key * width + j * LANES + lane];
          mix[j] += weight.x * x;
          mix[8 + j] += weight.y * x;
          mix[16 + j] += weight.z * x;
          mix[24 + j] += weight.w * x;
        }
      }
      workgroupBarrier();
    }
  }

  found[lane * TEAMS + team] = sum;
  workgroupBarrier();
  sum = vec4f();
  for (var other = 0u; other < LANES; other++) { sum += found[other * TEAMS + team]; }
  for (var row = 0u; row < 4; row++) {
    let start = starts[4 * team + row];
    if (start == NOWHERE) { continue; }
    for (var j = 0u; j < vecs; j++) { put(start, part, 4 * (j * LANES + lane), mix[8 * row + j], sum[row]); }
    if (lane == 0) { put_rest(start, part, most[row], sum[row]); }
  }
}

// By how wide a head is at most.

@compute @workgroup_size(8 * TEAMS)
fn tile64(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  attend(2, 32, group, thread);
}

@compute @workgroup_size(8 * TEAMS)
fn tile96(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  attend(3, 16, group, thread);
}

@compute @workgroup_size(8 * TEAMS)
fn tile128(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  attend(4, 16, group, thread);
}

@compute @workgroup_size(8 * TEAMS)
fn tile256(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  attend(8, 8, group, thread);
}
