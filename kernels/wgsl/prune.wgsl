// Which tokens are kept, as their places in order, and how many they are; -1 behind the last.
// distances [frames tokens]; frame_counts [frames], what each frame keeps by its distances; sums [blocks], what lies before
// each block of places; kept [frames tokens]; count [1].
// Four launches: frame_counts, block_sums, scan_sums, scatter. The order comes from prefix sums alone.

struct Params {
  frames: u32,
  tokens: u32,
  rule: u32,
  summed: u32,
  // The least distance that is kept, whatever the rule.
  threshold: f32,
  min_tokens: u32,
  continues: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> distances: array<f32>;
@group(0) @binding(2) var<storage, read_write> frame_counts: array<u32>;
@group(0) @binding(3) var<storage, read_write> sums: array<u32>;
@group(0) @binding(4) var<storage, read_write> kept: array<i32>;
@group(0) @binding(5) var<storage, read_write> count: array<i32>;

override THREADS: u32 = 256;
// Places of a block; THREADS divides it.
const BLOCK = 1024u;
const RELEASED = 0u;
const OFF = 4u;

fn keeps(place: u32) -> bool {
  if (params.rule == OFF) { return true; }
  if (place < params.tokens && params.continues == 0) { return params.rule != RELEASED; }
  // By their bits, which floats from 0 on are in the order of: a device may take the smallest floats for 0, and a compiler may
  // take it that there are no NaNs. What is below 0 has the highest bit, and -0 becomes 0.
  let bits = bitcast<u32>(distances[place]);
  let distance = select(bits, 0u, bits == 0x80000000u);
  return distance >= bitcast<u32>(params.threshold) && distance <= 0x7f800000u;
}

// The same, once it is known which frames would keep too few.
fn stays(place: u32) -> bool {
  if (keeps(place)) { return true; }
  if (params.min_tokens == 0) { return false; }
  let frame = place / params.tokens;
  return place - frame * params.tokens < params.min_tokens && frame_counts[frame] < params.min_tokens;
}

var<workgroup> running: array<u32, THREADS>;

struct Scan {
  before: u32,
  total: u32,
}

// The sum over the threads before this one, and over all of them. To be called by all threads alike.
fn scan(value: u32, thread: u32) -> Scan {
  workgroupBarrier();
  running[thread] = value;
  for (var reach = 1u; reach < THREADS; reach *= 2) {
    workgroupBarrier();
    var more = 0u;
    if (thread >= reach) { more = running[thread - reach]; }
    workgroupBarrier();
    running[thread] += more;
  }
  workgroupBarrier();
  return Scan(running[thread] - value, running[THREADS - 1]);
}

// A workgroup for each frame.
@compute @workgroup_size(THREADS)
fn count_frames(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let frame = group.x + group.y * groups.x;
  if (frame >= params.frames) { return; }
  var own = 0u;
  for (var i = thread; i < params.tokens; i += THREADS) {
    own += u32(keeps(frame * params.tokens + i));
  }
  let all = scan(own, thread).total;
  if (thread == 0) { frame_counts[frame] = all; }
}

// How many of the places that follow are kept: those of one thread lie side by side, so that the threads are in order.
fn kept_of(first: u32) -> u32 {
  let end = min(first + BLOCK / THREADS, params.frames * params.tokens);
  var own = 0u;
  for (var place = first; place < end; place++) { own += u32(stays(place)); }
  return own;
}

// A workgroup for each block.
@compute @workgroup_size(THREADS)
fn block_sums(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let block = group.x + group.y * groups.x;
  if (block * BLOCK >= params.frames * params.tokens) { return; }
  let all = scan(kept_of(block * BLOCK + thread * (BLOCK / THREADS)), thread).total;
  if (thread == 0) { sums[block] = all; }
}

// One workgroup goes over all blocks.
@compute @workgroup_size(THREADS)
fn scan_sums(@builtin(local_invocation_index) thread: u32) {
  let blocks = (params.frames * params.tokens + BLOCK - 1) / BLOCK;
  var so_far = 0u;
  for (var first = 0u; first < blocks; first += THREADS) {
    let block = first + thread;
    var own = 0u;
    if (block < blocks) { own = sums[block]; }
    let all = scan(own, thread);
    if (block < blocks) { sums[block] = so_far + all.before; }
    so_far += all.total;
  }
  if (thread == 0) { count[0] = i32(so_far); }
}

// A workgroup for each block. What is dropped fills the end, so that every place of `kept` is written once.
@compute @workgroup_size(THREADS)
fn scatter(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let block = group.x + group.y * groups.x;
  if (block * BLOCK >= params.frames * params.tokens) { return; }
  let first = block * BLOCK + thread * (BLOCK / THREADS);
  let end = min(first + BLOCK / THREADS, params.frames * params.tokens);
  var before = sums[block] + scan(kept_of(first), thread).before;
  for (var place = first; place < end; place++) {
    if (stays(place)) {
      kept[before] = i32(place);
      before++;
    } else {
      kept[u32(count[0]) + place - before] = -1;
    }
  }
}
