// The functions of reduce.wgsl with one barrier for the numbers instead of one for each halving: every subgroup adds up all
// of them. Of subgroups nothing is assumed, neither how large they are nor which threads they have.

override THREADS: u32 = 64;
var<workgroup> partial: array<f32, THREADS>;

fn sum_of(value: f32, thread: u32) -> f32 {
  partial[thread] = value;
  workgroupBarrier();
  let lanes = subgroupAdd(1u);
  var sum = 0.0;
  for (var i = subgroupExclusiveAdd(1u); i < THREADS; i += lanes) { sum += partial[i]; }
  // Before `partial` may be written again.
  workgroupBarrier();
  return subgroupAdd(sum);
}

fn largest_of(value: f32, thread: u32) -> f32 {
  partial[thread] = value;
  workgroupBarrier();
  let lanes = subgroupAdd(1u);
  var most = value;
  for (var i = subgroupExclusiveAdd(1u); i < THREADS; i += lanes) { most = max(most, partial[i]); }
  workgroupBarrier();
  return subgroupMax(most);
}
