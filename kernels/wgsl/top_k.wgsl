// The k largest of each row, the largest first and of equal ones the lower place; -infinity and -1 where there are fewer that
// are neither NaN nor -infinity.
// x [rows width]; keys, places [rows parts k], the k best of each part; values, indices [rows k]. With lib/order.wgsl.

struct Params {
  rows: u32,
  width: u32,
  k: u32,
  // 0: the best of each part, into keys and places; 1: the best of those.
  stage: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> keys: array<u32>;
@group(0) @binding(3) var<storage, read_write> places: array<u32>;
@group(0) @binding(4) var<storage, read_write> values: array<f32>;
@group(0) @binding(5) var<storage, read_write> indices: array<i32>;

override THREADS: u32 = 256;
// What is sorted at once: a power of two above k.
override SORT: u32 = 1024;
// Numbers of a row that one workgroup looks at.
const PART = 4096u;
const NOWHERE = 0xffffffffu;

// The k best so far, in order, and behind them what comes next.
var<workgroup> sort_keys: array<u32, SORT>;
var<workgroup> sort_places: array<u32, SORT>;
var<workgroup> better: atomic<u32>;
var<workgroup> again: u32;

fn comes_before(i: u32, j: u32) -> bool {
  return sort_keys[i] > sort_keys[j] || (sort_keys[i] == sort_keys[j] && sort_places[i] < sort_places[j]);
}

// The power of two that holds the best so far and what is left to take, as far as that is sorted at once.
fn room(left: u32) -> u32 {
  let count = params.k + min(left, SORT - params.k);
  return 1u << (32 - countLeadingZeros(count - 1));
}

// A bitonic sort of the first `count`, a power of two. Batcher, 1968.
fn sort(count: u32, thread: u32) {
  for (var size = 2u; size <= count; size *= 2) {
    for (var reach = size / 2; reach > 0; reach /= 2) {
      workgroupBarrier();
      for (var pair = thread; pair < count / 2; pair += THREADS) {
        let i = 2 * pair - (pair & (reach - 1));
        let j = i + reach;
        if (comes_before(j, i) == ((i & size) == 0)) {
          let key = sort_keys[i];
          let place = sort_places[i];
          sort_keys[i] = sort_keys[j];
          sort_places[i] = sort_places[j];
          sort_keys[j] = key;
          sort_places[j] = place;
        }
      }
    }
  }
  workgroupBarrier();
}

fn put(i: u32, key: u32, place: u32) {
  sort_keys[i] = key;
  sort_places[i] = place;
}

// What is left of `first` up to `end` is put behind the best, as far as there is room, and sorted with them, unless none of it
// is better than the last of them. Candidates come in the order of their places, so that one that is equal is not.
fn take(row: u32, first: u32, end: u32, thread: u32) {
  workgroupBarrier();
  if (thread == 0) { atomicStore(&better, 0u); }
  workgroupBarrier();
  let count = room(end - first);
  let least = sort_keys[params.k - 1];
  for (var i = params.k + thread; i < count; i += THREADS) {
    let next = first + i - params.k;
    var key = 0u;
    var place = next;
    if (next < end && params.stage == 0) { key = key_of(x[row * params.width + next]); }
    if (next < end && params.stage == 1) {
      key = keys[next];
      place = places[next];
    }
    put(i, key, place);
    if (key > least) { atomicStore(&better, 1u); }
  }
  workgroupBarrier();
  if (thread == 0) { again = atomicLoad(&better); }
  if (workgroupUniformLoad(&again) == 1) { sort(count, thread); }
}

fn give(row: u32, i: u32) {
  var value = 0xff800000u;
  var place = NOWHERE;
  if (sort_keys[i] > 0) {
    place = sort_places[i];
    value = bitcast<u32>(x[row * params.width + place]);
  }
  values[row * params.k + i] = bitcast<f32>(value);
  indices[row * params.k + i] = i32(place);
}

// A workgroup for each part of each row, then one for each row.
@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let id = group.x + group.y * groups.x;
  let parts = (params.width + PART - 1) / PART;
  let row = select(id / parts, id, params.stage == 1);
  if (row >= params.rows) { return; }
  // Of the row's numbers, or of all that its parts left.
  var first = (id - row * parts) * PART;
  var end = min(first + PART, params.width);
  if (params.stage == 1) {
    first = row * parts * params.k;
    end = first + parts * params.k;
  }
  for (var i = thread; i < params.k; i += THREADS) { put(i, 0, NOWHERE); }
  for (var next = first; next < end; next += SORT - params.k) { take(row, next, end, thread); }
  workgroupBarrier();
  for (var i = thread; i < params.k; i += THREADS) {
    if (params.stage == 1) {
      give(row, i);
    } else {
      keys[id * params.k + i] = sort_keys[i];
      places[id * params.k + i] = sort_places[i];
    }
  }
}
