enable subgroups;

// One number of each thread of a workgroup, folded into one that all of them get. To be called by all threads alike.
// A subgroup is so many threads in a row, as many as they say themselves: 4 or 128, or all of a small workgroup.

var<workgroup> shares: array<f32, THREADS>;

fn across_sum(value: f32, thread: u32) -> f32 {
  let size = subgroupAdd(1u);
  let share = subgroupAdd(value);
  // Somebody may still be reading what the last call left.
  workgroupBarrier();
  if (subgroupElect()) { shares[thread / size] = share; }
  workgroupBarrier();
  var sum = shares[0];
  for (var i = 1u; i < THREADS / size; i++) { sum += shares[i]; }
  return sum;
}

fn across_max(value: f32, thread: u32) -> f32 {
  let size = subgroupAdd(1u);
  let share = subgroupMax(value);
  workgroupBarrier();
  if (subgroupElect()) { shares[thread / size] = share; }
  workgroupBarrier();
  var most = shares[0];
  for (var i = 1u; i < THREADS / size; i++) { most = max(most, shares[i]); }
  return most;
}
