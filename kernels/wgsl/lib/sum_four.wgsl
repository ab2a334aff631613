// Four numbers of every thread of a workgroup summed, for all of them to have. MATVEC_THREADS is a power of two. All threads
// of the workgroup must call it, once.

var<workgroup> partial: array<vec4f, MATVEC_THREADS>;

fn sum_of_four(value: vec4f, thread: u32) -> vec4f {
  partial[thread] = value;
  for (var half = MATVEC_THREADS / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (thread < half) { partial[thread] += partial[thread + half]; }
  }
  workgroupBarrier();
  return partial[0];
}
