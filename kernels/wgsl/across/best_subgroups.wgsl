enable subgroups;

// The best candidate among the threads of a workgroup: the largest key, and of equal ones the lowest place. All of them get
// it. To be called by all threads alike.

struct Candidate {
  key: u32,
  place: u32,
}

var<workgroup> keys_of: array<u32, THREADS>;
var<workgroup> places_of: array<u32, THREADS>;

fn across_best(own: Candidate, thread: u32) -> Candidate {
  let size = subgroupAdd(1u);
  let most = subgroupMax(own.key);
  let lowest = subgroupMin(select(0xffffffffu, own.place, own.key == most));
  if (subgroupElect()) {
    keys_of[thread / size] = most;
    places_of[thread / size] = lowest;
  }
  workgroupBarrier();
  var best = Candidate(keys_of[0], places_of[0]);
  for (var i = 1u; i < THREADS / size; i++) {
    if (keys_of[i] > best.key || (keys_of[i] == best.key && places_of[i] < best.place)) {
      best = Candidate(keys_of[i], places_of[i]);
    }
  }
  return best;
}
