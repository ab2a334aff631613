// The best candidate among the threads of a workgroup, for all of them to have: the largest key, and of equal ones the lowest
// place. THREADS is a power of two. All threads of the workgroup must call it, once.

override THREADS: u32 = 256;

struct Candidate {
  key: u32,
  place: u32,
}

var<workgroup> candidates: array<Candidate, THREADS>;

fn better_of(a: Candidate, b: Candidate) -> Candidate {
  if (b.key > a.key || (b.key == a.key && b.place < a.place)) { return b; }
  return a;
}

fn best_of(own: Candidate, thread: u32) -> Candidate {
  candidates[thread] = own;
  for (var half = THREADS / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (thread < half) { candidates[thread] = better_of(candidates[thread], candidates[thread + half]); }
  }
  workgroupBarrier();
  return candidates[0];
}
