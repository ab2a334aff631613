// The product of two tiles in workgroup memory, in registers: each thread sums 4 x 4 blocks of the result, BLOCKS_M by BLOCKS_N
// of them. A thread's rows are THREADS_M apart and its columns THREADS_N, so that neighbours read and write side by side.

override THREADS_M: u32 = 8;
override THREADS_N: u32 = 8;
// 1 or 2.
override BLOCKS_M: u32 = 1;
override BLOCKS_N: u32 = 1;
override TILE_M = 4 * BLOCKS_M * THREADS_M;
override TILE_N = 4 * BLOCKS_N * THREADS_N;
override TILE_THREADS = THREADS_M * THREADS_N;
// Numbers of a row, and fours of them.
const TILE_K = 16u;
const FOURS = 4u;

// Fours of numbers along k; `place` says where.
var<workgroup> left: array<Four, TILE_M * FOURS>;
var<workgroup> right: array<Four, TILE_N * FOURS>;

// Rows lie side by side. Which of eight neighbours a row is turns with the four, for else threads that store several fours of one row
// would meet at one bank of the memory.
fn place(row: u32, four: u32, rows: u32) -> u32 { return four * rows + (row ^ (2 * four)); }

// Four rows of four columns.
struct Block { a: vec4f, b: vec4f, c: vec4f, d: vec4f }
// Upper left, lower left, upper right, lower right; those beyond BLOCKS_M and BLOCKS_N stay 0.
struct Sums { a: Block, b: Block, c: Block, d: Block }

// A 4 x 4 part of a tile: four rows of fours.
struct Part { a: Four, b: Four, c: Four, d: Four }

fn left_part(row: u32, four: u32) -> Part {
  return Part(
    left[place(row, four, TILE_M)],
    left[place(row + THREADS_M, four, TILE_M)],
    left[place(row + 2 * THREADS_M, four, TILE_M)],
    left[place(row + 3 * THREADS_M, four, TILE_M)],
  );
}

// Turned: each of its vectors has one k of all four columns.
fn right_part(column: u32, four: u32) -> Part {
  let p = right[place(column, four, TILE_N)];
  let q = right[place(column + THREADS_N, four, TILE_N)];
  let r = right[place(column + 2 * THREADS_N, four, TILE_N)];
  let s = right[place(column + 3 * THREADS_N, four, TILE_N)];
  return Part(Four(p.x, q.x, r.x, s.x), Four(p.y, q.y, r.y, s.y), Four(p.z, q.z, r.z, s.z), Four(p.w, q.w, r.w, s.w));
}

fn add_product(sum: Block, x: Part, w: Part) -> Block {
  return Block(
    multiply_add(sum.a, x.a, w.a, w.b, w.c, w.d),
    multiply_add(sum.b, x.b, w.a, w.b, w.c, w.d),
    multiply_add(sum.c, x.c, w.a, w.b, w.c, w.d),
    multiply_add(sum.d, x.d, w.a, w.b, w.c, w.d),
  );
}

// The sums with the product of what `left` and `right` hold added.
fn add_tiles(before: Sums, thread: u32) -> Sums {
  var sums = before;
  let row = thread / THREADS_N;
  let column = thread % THREADS_N;
  for (var four = 0u; four < FOURS; four++) {
    let x = left_part(row, four);
    let w = right_part(column, four);
    sums.a = add_product(sums.a, x, w);
    if (BLOCKS_M == 2) { sums.b = add_product(sums.b, left_part(row + 4 * THREADS_M, four), w); }
    if (BLOCKS_N == 2) {
      let v = right_part(column + 4 * THREADS_N, four);
      sums.c = add_product(sums.c, x, v);
      if (BLOCKS_M == 2) { sums.d = add_product(sums.d, left_part(row + 4 * THREADS_M, four), v); }
    }
  }
  return sums;
}

// Hand the sums to `store`, of whoever includes this: four of a row, that many columns apart. `row` and `column` are the tile's first.
fn store_sums(sums: Sums, row: u32, column: u32, thread: u32) {
  let r = row + thread / THREADS_N;
  let c = column + thread % THREADS_N;
  store_block(sums.a, r, c);
  if (BLOCKS_M == 2) { store_block(sums.b, r + 4 * THREADS_M, c); }
  if (BLOCKS_N == 2) { store_block(sums.c, r, c + 4 * THREADS_N); }
  if (BLOCKS_M == 2 && BLOCKS_N == 2) { store_block(sums.d, r + 4 * THREADS_M, c + 4 * THREADS_N); }
}

fn store_block(block: Block, row: u32, column: u32) {
  store(block.a, row, column, THREADS_N);
  store(block.b, row + THREADS_M, column, THREADS_N);
  store(block.c, row + 2 * THREADS_M, column, THREADS_N);
  store(block.d, row + 3 * THREADS_M, column, THREADS_N);
}
