// The function of best.wgsl with one barrier instead of one for each halving: every subgroup looks at all candidates. Of
// subgroups nothing is assumed, neither how large they are nor which threads they have.

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
  workgroupBarrier();
  let lanes = subgroupAdd(1u);
  var best = own;
  for (var i = subgroupExclusiveAdd(1u); i < THREADS; i += lanes) { best = better_of(best, candidates[i]); }
  let key = subgroupMax(best.key);
  return Candidate(key, subgroupMin(select(0xffffffffu, best.place, best.key == key)));
}
