// y[b] = x[b] w[b]^T, by tiles of lib/tile.wgsl. x [batch m k]; w [batch n k]; y [batch m n].

struct Params {
  batch: u32,
  m: u32,
  n: u32,
  k: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

// The batch of this workgroup.
var<private> batch: u32;

fn store(sums: vec4f, row: u32, column: u32, apart: u32) {
  if (row >= params.m) { return; }
  let at = (batch * params.m + row) * params.n + column;
  for (var i = 0u; i < 4; i++) {
    if (column + i * apart < params.n) { y[at + i * apart] = sums[i]; }
  }
}

fn x_number(row: u32, i: u32) -> f32 {
  if (row >= params.m || i >= params.k) { return 0.0; }
  return x[(batch * params.m + row) * params.k + i];
}

fn w_number(row: u32, i: u32) -> f32 {
  if (row >= params.n || i >= params.k) { return 0.0; }
  return w[(batch * params.n + row) * params.k + i];
}

fn fill(row: u32, column: u32, k: u32, thread: u32) {
  for (var at = thread; at < TILE_M * FOURS; at += TILE_THREADS) {
    let r = row + at / FOURS;
    let i = k + at % FOURS * 4;
    left[place(at / FOURS, at % FOURS, TILE_M)] =
      Four(x_number(r, i), x_number(r, i + 1), x_number(r, i + 2), x_number(r, i + 3));
  }
  for (var at = thread; at < TILE_N * FOURS; at += TILE_THREADS) {
    let r = column + at / FOURS;
    let i = k + at % FOURS * 4;
    right[place(at / FOURS, at % FOURS, TILE_N)] =
      Four(w_number(r, i), w_number(r, i + 1), w_number(r, i + 2), w_number(r, i + 3));
  }
}

@compute @workgroup_size(TILE_THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let id = group.x + group.y * groups.x;
  let down = (params.m + TILE_M - 1) / TILE_M;
  let tiles = down * ((params.n + TILE_N - 1) / TILE_N);
  batch = id / tiles;
  // The grid may be larger than the tiles; all threads of a workgroup agree, so the barriers below stay uniform.
  if (id / tiles >= params.batch) { return; }
  let row = id % tiles % down * TILE_M;
  let column = id % tiles / down * TILE_N;
  var sums = Sums();
  for (var k = 0u; k < params.k; k += TILE_K) {
    fill(row, column, k, thread);
    workgroupBarrier();
    add_tiles(&sums, thread);
    workgroupBarrier();
  }
  store_sums(&sums, row, column, thread);
}
