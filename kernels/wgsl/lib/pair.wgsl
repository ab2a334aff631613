// Which two numbers of a head make a pair, and its turn by an angle.

// The places of pair j in a head: 2j and 2j + 1 where pairs are interleaved, else j and j + dim / 2.
fn pair_of(j: u32, dim: u32, interleaved: u32) -> vec2u {
  if (interleaved != 0u) { return vec2u(2u * j, 2u * j + 1u); }
  return vec2u(j, j + dim / 2u);
}

// `turn` is (cos, sin).
fn rotate_pair(pair: vec2f, turn: vec2f) -> vec2f {
  return vec2f(pair.x * turn.x - pair.y * turn.y, pair.y * turn.x + pair.x * turn.y);
}
