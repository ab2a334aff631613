// One number of each thread of a workgroup, folded into one that all of them get. To be called by all threads alike.

var<workgroup> shares: array<f32, THREADS>;

fn across_sum(value: f32, thread: u32) -> f32 {
  // Somebody may still be reading what the last call left.
  workgroupBarrier();
  shares[thread] = value;
  for (var half = THREADS / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (thread < half) { shares[thread] += shares[thread + half]; }
  }
  workgroupBarrier();
  return shares[0];
}

fn across_max(value: f32, thread: u32) -> f32 {
  workgroupBarrier();
  shares[thread] = value;
  for (var half = THREADS / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (thread < half) { shares[thread] = max(shares[thread], shares[thread + half]); }
  }
  workgroupBarrier();
  return shares[0];
}
