// y = act(x W^T + bias) + residual. x [m k], W [n k] as its storage lays it out, bias [n], residual and y [m n].
// `tile` for many rows of x, `matvec` for few; both take a k that is a multiple of 4, and `matvec_odd` any.
// A launch may see a part of W's rows: `rows` of them, whose first is row `row0` of W.

struct Params {
  m: u32,
  n: u32,
  k: u32,
  bias: u32,
  activation: u32,
  residual: u32,
  row0: u32,
  rows: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> x4: array<vec4f>;
@group(0) @binding(4) var<storage, read> bias: array<f32>;
@group(0) @binding(5) var<storage, read> residual: array<f32>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;

fn activate(x: f32) -> f32 {
  switch params.activation {
    case 1 { return gelu(x); }
    case 2 { return gelu_tanh(x); }
    default { return silu(x); }
  }
}

// Four rows of the part of W, `apart` from each other, as rows of W; those beyond the last are that one again.
fn columns_of(column: u32, apart: u32) -> vec4u {
  return params.row0 + min(vec4u(column) + apart * vec4u(0, 1, 2, 3), vec4u(params.rows - 1));
}

// What their sums begin with.
fn bias_of(column: u32, apart: u32) -> vec4f {
  if (params.bias == 0) { return vec4f(); }
  let at = columns_of(column, apart);
  return vec4f(bias[at.x], bias[at.y], bias[at.z], bias[at.w]);
}

// Four numbers of the result, those that it has.
fn store(sums: vec4f, row: u32, column: u32, apart: u32) {
  if (row >= params.m || column >= params.rows) { return; }
  var values = sums;
  if (params.activation != 0) {
    for (var i = 0u; i < 4; i++) { values[i] = activate(values[i]); }
  }
  let at = row * params.n + columns_of(column, apart);
  if (params.residual == 1) { values += vec4f(residual[at.x], residual[at.y], residual[at.z], residual[at.w]); }
  y[at.x] = values.x;
  if (column + apart < params.rows) { y[at.y] = values.y; }
  if (column + 2 * apart < params.rows) { y[at.z] = values.z; }
  if (column + 3 * apart < params.rows) { y[at.w] = values.w; }
}

// Tiles: one workgroup gives TILE_M x TILE_N numbers.

struct Corner { row: u32, column: u32 }

// The first row and column of a workgroup's tile; below each other first, which share rows of W.
fn corner(group: vec3u, groups: vec3u) -> Corner {
  let id = group.x + group.y * groups.x;
  let down = (params.m + TILE_M - 1) / TILE_M;
  return Corner(id % down * TILE_M, id / down * TILE_N);
}

// Units of four numbers of x, from number `k` on.
fn fill_left(row: u32, k: u32, thread: u32) {
  for (var at = thread; at < TILE_M * FOURS; at += TILE_THREADS) {
    let r = at / FOURS;
    let four = at % FOURS;
    let i = k / 4 + four;
    var numbers = vec4f();
    if (row + r < params.m && i < params.k / 4) { numbers = x4[(row + r) * (params.k / 4) + i]; }
    left[place(r, four, TILE_M)] = Four(numbers);
  }
}

fn fill_right(row: u32, k: u32, thread: u32) {
  let per_row = units_per_row(params.k);
  for (var at = thread; at < TILE_N * TILE_K / UNIT; at += TILE_THREADS) {
    let r = at / (TILE_K / UNIT);
    let part = at % (TILE_K / UNIT);
    let i = k / UNIT + part;
    let inside = row + r < params.rows && i < per_row;
    var unit = Unit();
    var factor = 0.0;
    if (inside) {
      unit = units[(row + r) * per_row + i];
      factor = unit_scale(row + r, i, params.k);
    }
    for (var j = 0u; j < UNIT / 4; j++) {
      right[place(r, part * (UNIT / 4) + j, TILE_N)] = Four(factor * four(unit, j));
    }
  }
}

@compute @workgroup_size(TILE_THREADS)
fn tile(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let at = corner(group, groups);
  if (at.column >= params.rows) { return; }
  var sums: Sums;
  let first = bias_of(at.column + thread % THREADS_N, THREADS_N);
  for (var i = 0u; i < ROWS; i++) { sums[i] = first; }
  for (var k = 0u; k < params.k; k += TILE_K) {
    fill_left(at.row, k, thread);
    fill_right(at.column, k, thread);
    workgroupBarrier();
    add_tiles(&sums, thread);
    workgroupBarrier();
  }
  store_sums(&sums, at.row, at.column, thread);
}

// Few rows of x: one workgroup gives four numbers, of one row of x and four of W. In float32 always: they wait for memory.

override MATVEC_THREADS: u32 = 64;

// Which row of x, and the first of four rows of W: workgroups side by side read the same of W.
fn four_rows(group: vec3u, groups: vec3u) -> Corner {
  let id = group.x + group.y * groups.x;
  return Corner(id % params.m, id / params.m * 4);
}

@compute @workgroup_size(MATVEC_THREADS)
fn matvec(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let at = four_rows(group, groups);
  if (at.column >= params.rows) { return; }
  let per_row = units_per_row(params.k);
  // Rows beyond the last are that one again.
  let row = min(vec4u(at.column) + vec4u(0, 1, 2, 3), vec4u(params.rows - 1));
  var sums = vec4f();
  for (var i = thread; i < per_row; i += MATVEC_THREADS) {
    let a = units[row.x * per_row + i];
    let b = units[row.y * per_row + i];
    let c = units[row.z * per_row + i];
    let d = units[row.w * per_row + i];
    var part = vec4f();
    for (var j = 0u; j < UNIT / 4; j++) {
      let k = i * (UNIT / 4) + j;
      if (k < params.k / 4) {
        let xs = x4[at.row * (params.k / 4) + k];
        part += vec4f(dot(four(a, j), xs), dot(four(b, j), xs), dot(four(c, j), xs), dot(four(d, j), xs));
      }
    }
    sums += part * vec4f(
      unit_scale(row.x, i, params.k),
      unit_scale(row.y, i, params.k),
      unit_scale(row.z, i, params.k),
      unit_scale(row.w, i, params.k),
    );
  }
  let all = sum_of_four(sums, thread);
  if (thread == 0) { store(all + bias_of(at.column, 1), at.row, at.column, 1); }
}

@compute @workgroup_size(MATVEC_THREADS)
fn matvec_odd(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let at = four_rows(group, groups);
  if (at.column >= params.rows) { return; }
  let row = min(vec4u(at.column) + vec4u(0, 1, 2, 3), vec4u(params.rows - 1));
  var sums = vec4f();
  for (var i = thread; i < params.k; i += MATVEC_THREADS) {
    sums += x[at.row * params.k + i] * vec4f(
      number(row.x, i, params.k),
      number(row.y, i, params.k),
      number(row.z, i, params.k),
      number(row.w, i, params.k),
    );
  }
  let all = sum_of_four(sums, thread);
  if (thread == 0) { store(all + bias_of(at.column, 1), at.row, at.column, 1); }
}
