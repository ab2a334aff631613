// y[t, i] = sum |x[t, i] - x[t - 1, i]| over the width; before the first frame comes `before`.
// x [frames tokens width]; before [tokens width]; y [frames tokens].

struct Params {
  frames: u32,
  tokens: u32,
  width: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> before: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

override THREADS: u32 = 256;
// Frames that a workgroup takes one after the other, so that it reads each but once, and the one before them.
const RUN = 8u;
// Each frame's sums of all threads; then those of so many threads.
var<workgroup> shares: array<f32, RUN * THREADS>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let id = group.x + group.y * groups.x;
  let run = id / params.tokens;
  let token = id - run * params.tokens;
  let first = run * RUN;
  if (first >= params.frames) { return; }
  let count = min(RUN, params.frames - first);
  let start = (first * params.tokens + token) * params.width;
  let frame = params.tokens * params.width;

  var own: array<f32, RUN>;
  for (var i = thread; i < params.width; i += THREADS) {
    var last: f32;
    if (first == 0) { last = before[start + i]; } else { last = x[start + i - frame]; }
    for (var f = 0u; f < RUN; f++) {
      if (f < count) {
        let value = x[start + i + f * frame];
        own[f] += abs(value - last);
        last = value;
      }
    }
  }

  // All frames are added up at once: a part of the threads to each frame, RUN sums to each thread, then what these gave.
  for (var f = 0u; f < RUN; f++) { shares[f * THREADS + thread] = own[f]; }
  workgroupBarrier();
  let part = THREADS / RUN;
  let begin = thread / part * THREADS + thread % part;
  var sum = 0.0;
  for (var i = 0u; i < RUN; i++) { sum += shares[begin + i * part]; }
  workgroupBarrier();
  shares[thread] = sum;
  workgroupBarrier();
  if (thread < count) {
    sum = 0.0;
    for (var i = 0u; i < part; i++) { sum += shares[thread * part + i]; }
    y[(first + thread) * params.tokens + token] = sum;
  }
}
