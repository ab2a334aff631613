// A number of every thread of a workgroup put together, for all of them to have. THREADS is a power of two. All threads
// of the workgroup must call these.

override THREADS: u32 = 64;
var<workgroup> partial: array<f32, THREADS>;

fn sum_of(value: f32, thread: u32) -> f32 {
  partial[thread] = value;
  for (var half = THREADS / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (thread < half) { partial[thread] += partial[thread + half]; }
  }
  // With a barrier before it and one behind: `partial` is free again.
  return workgroupUniformLoad(&partial[0]);
}

fn largest_of(value: f32, thread: u32) -> f32 {
  partial[thread] = value;
  for (var half = THREADS / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (thread < half) { partial[thread] = max(partial[thread], partial[thread + half]); }
  }
  return workgroupUniformLoad(&partial[0]);
}
