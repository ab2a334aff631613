// Sums over the threads of a workgroup, in workgroup memory.

var<workgroup> partial: array<vec4f, MATVEC_THREADS>;

// The sum of `value` over all threads, known to all. To be called in uniform control flow, once.
fn sum_of_all(value: vec4f, thread: u32) -> vec4f {
  partial[thread] = value;
  for (var half = MATVEC_THREADS / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (thread < half) { partial[thread] += partial[thread + half]; }
  }
  workgroupBarrier();
  return partial[0];
}
