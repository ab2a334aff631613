// The best candidate among the threads of a workgroup: the largest key, and of equal ones the lowest place. All of them get
// it. To be called by all threads alike.

struct Candidate {
  key: u32,
  place: u32,
}

var<workgroup> keys_of: array<u32, THREADS>;
var<workgroup> places_of: array<u32, THREADS>;

fn across_best(own: Candidate, thread: u32) -> Candidate {
  keys_of[thread] = own.key;
  places_of[thread] = own.place;
  for (var half = THREADS / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (thread < half) {
      let key = keys_of[thread + half];
      let place = places_of[thread + half];
      if (key > keys_of[thread] || (key == keys_of[thread] && place < places_of[thread])) {
        keys_of[thread] = key;
        places_of[thread] = place;
      }
    }
  }
  workgroupBarrier();
  return Candidate(keys_of[0], places_of[0]);
}
