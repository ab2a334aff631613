// Sums over the threads of a workgroup: by subgroups of whatever size, then over their sums in workgroup memory. It takes
// consecutive threads to make a subgroup, which holds for workgroups of one dimension on Vulkan, Metal and Direct3D.

var<workgroup> partial: array<vec4f, MATVEC_THREADS>;

// The sum of `value` over all threads, known to all. To be called in uniform control flow, once.
fn sum_of_all(value: vec4f, thread: u32) -> vec4f {
  let lanes = subgroupAdd(1u);
  let sum = subgroupAdd(value);
  if (subgroupElect()) { partial[thread / lanes] = sum; }
  workgroupBarrier();
  var total = partial[0];
  for (var i = 1u; i < MATVEC_THREADS / lanes; i++) { total += partial[i]; }
  return total;
}
