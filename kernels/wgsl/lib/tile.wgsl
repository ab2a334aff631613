// The product of two tiles in workgroup memory, in registers: each thread sums ROWS rows of four columns of the result. Its rows
// are THREADS_M apart and its columns THREADS_N, so that neighbours read and write side by side.

override THREADS_M: u32 = 8;
override THREADS_N: u32 = 8;
// Rows of a thread: 4 or 8.
override ROWS: u32 = 4;
override TILE_M = ROWS * THREADS_M;
override TILE_N = 4 * THREADS_N;
override TILE_THREADS = THREADS_M * THREADS_N;
// Numbers of a row, and fours of them.
const TILE_K = 16u;
const FOURS = 4u;

// Fours of numbers along k; `place` says where.
var<workgroup> left: array<Four, TILE_M * FOURS>;
var<workgroup> right: array<Four, TILE_N * FOURS>;

// Rows lie side by side. Which of eight neighbours a row is turns with the four, for else threads that store several fours of
// one row would meet at one bank of the memory. Places of rows that are THREADS_M or THREADS_N apart, multiples of eight, are
// as far apart.
fn place(row: u32, four: u32, rows: u32) -> u32 { return four * rows + (row ^ (2 * four)); }

alias Sums = array<vec4f, 8>;

// Add the product of what `left` and `right` hold. The inner loop is short enough that compilers unroll it and keep the sums
// in registers.
fn add_tiles(sums: ptr<function, Sums>, thread: u32) {
  let row = thread / THREADS_N;
  let column = thread % THREADS_N;
  for (var four = 0u; four < FOURS; four++) {
    let at = place(column, four, TILE_N);
    let p = right[at];
    let q = right[at + THREADS_N];
    let r = right[at + 2 * THREADS_N];
    let s = right[at + 3 * THREADS_N];
    let a = Four(p.x, q.x, r.x, s.x);
    let b = Four(p.y, q.y, r.y, s.y);
    let c = Four(p.z, q.z, r.z, s.z);
    let d = Four(p.w, q.w, r.w, s.w);
    let first = place(row, four, TILE_M);
    for (var i = 0u; i < ROWS; i++) { sums[i] = multiply_add(sums[i], left[first + i * THREADS_M], a, b, c, d); }
  }
}

// Hand the sums to `store`, of whoever includes this: four of a row, that many columns apart. `row` and `column` are the
// tile's first. Written out, for a loop around so much would not be unrolled.
fn store_sums(sums: ptr<function, Sums>, row: u32, column: u32, thread: u32) {
  let r = row + thread / THREADS_N;
  let c = column + thread % THREADS_N;
  store(sums[0], r, c, THREADS_N);
  store(sums[1], r + THREADS_M, c, THREADS_N);
  store(sums[2], r + 2 * THREADS_M, c, THREADS_N);
  store(sums[3], r + 3 * THREADS_M, c, THREADS_N);
  if (ROWS == 4) { return; }
  store(sums[4], r + 4 * THREADS_M, c, THREADS_N);
  store(sums[5], r + 5 * THREADS_M, c, THREADS_N);
  store(sums[6], r + 6 * THREADS_M, c, THREADS_N);
  store(sums[7], r + 7 * THREADS_M, c, THREADS_N);
}
