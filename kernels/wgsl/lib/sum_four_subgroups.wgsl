// The function of sum_four.wgsl with one barrier instead of one for each halving: every subgroup adds up the numbers of all.
// Of subgroups nothing is assumed, neither how large they are nor which threads they have.

var<workgroup> partial: array<vec4f, MATVEC_THREADS>;

fn sum_of_four(value: vec4f, thread: u32) -> vec4f {
  partial[thread] = value;
  workgroupBarrier();
  let lanes = subgroupAdd(1u);
  var sum = vec4f();
  for (var i = subgroupExclusiveAdd(1u); i < MATVEC_THREADS; i += lanes) { sum += partial[i]; }
  return subgroupAdd(sum);
}
