// Few queries: a workgroup takes 8 rows of one key head and a part of the keys. For the scores thread (lane, n) has key n of
// those at hand and the rows 4 lane to 4 lane + 3; for the mix a vector of numbers of all rows, and each of `sharers`-th key.

override DECODE_THREADS: u32 = 64;
const DECODE_ROWS = 8u;
// Of the mix: how many threads share a vector at most, each with its own keys.
const MOST_SHARERS = 8u;

// By row, 64 vectors each: its query, and at the end its mix.
var<workgroup> asked: array<vec4f, 8 * 64>;
// By key: some vectors of it.
var<workgroup> near: array<vec4f, DECODE_THREADS / 2 * 9>;
// By key and lane: the scores of four rows, then their weights.
var<workgroup> scores: array<vec4f, DECODE_THREADS>;
var<workgroup> shares: array<vec4f, DECODE_THREADS>;
// By lane: the sums of the weights.
var<workgroup> sums: array<vec4f, 2>;

@compute @workgroup_size(DECODE_THREADS)
fn decode(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let at_hand = DECODE_THREADS / 2;
  let lane = thread / at_hand;
  let slot = thread % at_hand;
  let share = params.heads / params.kv;
  let total = params.seq * share;
  let part = params.part0 + group.x;
  let kv = group.y % params.kv;
  let first = group.y / params.kv * DECODE_ROWS;
  let rows = min(DECODE_ROWS, total - first);
  let keys = span(first / share, (first + rows - 1) / share, group.x, at_hand);
  let vectors = (params.dim + 3) / 4;
  let step = params.kv * params.dim;

  for (var n = thread; n < DECODE_ROWS * vectors; n += DECODE_THREADS) {
    let row = n / vectors;
    var x = vec4f();
    if (row < rows) { x = query(row_start(group.z, kv, first + row), 4 * (n % vectors)); }
    asked[row * 64 + n % vectors] = x;
  }

  let spot = spots(first + 4 * lane);
  let segment = segments_at(spot);
  let column = thread % vectors;
  let sharer = thread / vectors;
  let sharers = min(MOST_SHARERS, DECODE_THREADS / vectors);

  var most0 = vec4f(HIDDEN);
  var most1 = vec4f(HIDDEN);
  var sum0 = vec4f();
  var sum1 = vec4f();
  var mix: array<vec4f, 8>;

  for (var tile = keys.x; tile < keys.y; tile += at_hand) {
    let end = min(tile + at_hand, keys.y);
    let origin = key_start(group.z, kv, tile);
    var s = vec4f();
    for (var chunk = 0u; chunk < vectors; chunk += 8) {
      let left = min(8u, vectors - chunk);
      workgroupBarrier();
      for (var n = thread; n < at_hand * 8; n += DECODE_THREADS) {
        var x = vec4f();
        if (tile + n / 8 < end) { x = key_at(origin + n / 8 * step, 4 * (chunk + n % 8)); }
        near[n / 8 * 9 + n % 8] = x;
      }
      workgroupBarrier();
      if (4 * lane < rows) {
        let at_row = 4 * lane * 64 + chunk;
        for (var d = 0u; d < left; d++) {
          let x = near[slot * 9 + d];
          s += vec4f(
            dot(asked[at_row + d], x),
            dot(asked[at_row + 64 + d], x),
            dot(asked[at_row + 128 + d], x),
            dot(asked[at_row + 192 + d], x),
          );
        }
      }
    }

    let key = tile + slot;
    if (key < end) { s = masked(s, spot, segment, key); } else { s = vec4f(HIDDEN); }
    scores[2 * slot + lane] = s;
    workgroupBarrier();
    var now0 = most0;
    var now1 = most1;
    for (var n = 0u; n < end - tile; n++) {
      now0 = max(now0, scores[2 * n]);
      now1 = max(now1, scores[2 * n + 1]);
    }
    shares[2 * slot + lane] = weigh(s, select(now0, now1, lane == 1));
    workgroupBarrier();

    let fade0 = fade_of(most0 - now0);
    let fade1 = fade_of(most1 - now1);
    most0 = now0;
    most1 = now1;
    sum0 *= fade0;
    sum1 *= fade1;
    for (var row = 0u; row < 4; row++) {
      mix[row] *= fade0[row];
      mix[4 + row] *= fade1[row];
    }
    if (sharer < sharers) {
      for (var n = sharer; n < end - tile; n += sharers) {
        let x = value_at(origin + n * step, 4 * column);
        let weight0 = shares[2 * n];
        let weight1 = shares[2 * n + 1];
        sum0 += weight0;
        sum1 += weight1;
        for (var row = 0u; row < 4; row++) {
          mix[row] += weight0[row] * x;
          mix[4 + row] += weight1[row] * x;
        }
      }
    }
  }

  // The sharers add up what they have, one after the other.
  for (var turn = 0u; turn < sharers; turn++) {
    workgroupBarrier();
    if (sharer == turn) {
      for (var row = 0u; row < DECODE_ROWS; row++) {
        let i = row * 64 + column;
        if (turn == 0) { asked[i] = mix[row]; } else { asked[i] += mix[row]; }
      }
      if (column == 0) {
        if (turn == 0) { sums[0] = sum0; sums[1] = sum1; } else { sums[0] += sum0; sums[1] += sum1; }
      }
    }
  }
  workgroupBarrier();
  for (var n = thread; n < rows * vectors; n += DECODE_THREADS) {
    let row = n / vectors;
    let start = row_start(group.z, kv, first + row);
    put(start, part, 4 * (n % vectors), asked[row * 64 + n % vectors], sums[row / 4][row % 4]);
    if (n % vectors == 0) { put_rest(start, part, select(most0, most1, row >= 4)[row % 4], sums[row / 4][row % 4]); }
  }
}
