// The k largest of each row, the largest first and of equal ones the lower place; -infinity and -1 where there are fewer that
// are neither NaN nor -infinity.
// x [rows width]; keys, places [rows parts k], the k best of each part; values, indices [rows k]. After order.wgsl.

struct Params {
  rows: u32,
  width: u32,
  k: u32,
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

fn begin(thread: u32) {
  for (var i = thread; i < params.k; i += THREADS) {
    sort_keys[i] = 0;
    sort_places[i] = NOWHERE;
  }
}

// Sort what was put behind the best, unless none of it is better than the last of them. Candidates come in the order of their
// places, so that one that is equal is not.
fn take(count: u32, thread: u32) {
  if (thread == 0) { atomicStore(&better, 0u); }
  workgroupBarrier();
  for (var i = params.k + thread; i < count; i += THREADS) {
    if (sort_keys[i] > sort_keys[params.k - 1]) { atomicStore(&better, 1u); }
  }
  workgroupBarrier();
  if (thread == 0) { again = atomicLoad(&better); }
  if (workgroupUniformLoad(&again) == 1) { sort(count, thread); }
}

// A workgroup for each part of each row.
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
  let end = min(first + PART, params.width);
  begin(thread);
  for (var next = first; next < end; next += SORT - params.k) {
    workgroupBarrier();
    let here = room(end - next);
    for (var i = params.k + thread; i < here; i += THREADS) {
      let place = next + i - params.k;
      var key = 0u;
      if (place < end) { key = key_of(x[row * params.width + place]); }
      sort_keys[i] = key;
      sort_places[i] = place;
    }
    take(here, thread);
  }
  for (var i = thread; i < params.k; i += THREADS) {
    keys[id * params.k + i] = sort_keys[i];
    places[id * params.k + i] = sort_places[i];
  }
}

// A workgroup for each row.
@compute @workgroup_size(THREADS)
fn combine(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = group.x + group.y * groups.x;
  if (row >= params.rows) { return; }
  let first = row * ((params.width + PART - 1) / PART) * params.k;
  let end = first + ((params.width + PART - 1) / PART) * params.k;
  begin(thread);
  for (var next = first; next < end; next += SORT - params.k) {
    workgroupBarrier();
    let here = room(end - next);
    for (var i = params.k + thread; i < here; i += THREADS) {
      let from_part = next + i - params.k;
      var key = 0u;
      var place = NOWHERE;
      if (from_part < end) {
        key = keys[from_part];
        place = places[from_part];
      }
      sort_keys[i] = key;
      sort_places[i] = place;
    }
    take(here, thread);
  }
  for (var i = thread; i < params.k; i += THREADS) {
    var value = 0xff800000u;
    var place = NOWHERE;
    if (sort_keys[i] > 0) {
      place = sort_places[i];
      value = bitcast<u32>(x[row * params.width + place]);
    }
    values[row * params.k + i] = bitcast<f32>(value);
    indices[row * params.k + i] = i32(place);
  }
}
