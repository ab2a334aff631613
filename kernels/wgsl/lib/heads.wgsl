// The work of a thread in kernels that turn pairs: one pair of up to HEADS heads of a row, all by the same angle. The numbers
// are the kernel's own x and y [rows heads dim]; its params have rows, heads, dim and interleaved. With lib/pair.wgsl.

// Heads that a thread turns by the angle that it has.
override HEADS: u32 = 4;

struct Share {
  row: u32,
  // The first of the heads.
  first: u32,
  pair: u32,
}

fn shares_of_row() -> u32 {
  return (params.heads + HEADS - 1) / HEADS * (params.dim / 2);
}

// Of thread i, below rows * shares_of_row().
fn share_of(i: u32) -> Share {
  let half = params.dim / 2;
  let shares = (params.heads + HEADS - 1) / HEADS;
  return Share(i / half / shares, i / half % shares * HEADS, i % half);
}

// `turn` is (cos, sin).
fn turn_share(share: Share, turn: vec2f) {
  for (var head = share.first; head < min(share.first + HEADS, params.heads); head++) {
    let place = (share.row * params.heads + head) * params.dim + pair_of(share.pair, params.dim, params.interleaved);
    let turned = rotate_pair(vec2f(x[place.x], x[place.y]), turn);
    y[place.x] = turned.x;
    y[place.y] = turned.y;
  }
}
