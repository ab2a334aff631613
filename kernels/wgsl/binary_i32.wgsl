// y = a op b, element by element, on 32 bits that wrap around.
// a, b, y [count].

struct Params {
  count: u32,
  op: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<i32>;
@group(0) @binding(2) var<storage, read> b: array<i32>;
@group(0) @binding(3) var<storage, read_write> y: array<i32>;

override THREADS: u32 = 256;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let i = (group.x + group.y * groups.x) * THREADS + thread;
  if (i >= params.count) { return; }
  let p = a[i];
  let q = b[i];
  switch params.op {
    case 0u: { y[i] = p + q; }
    case 1u: { y[i] = p - q; }
    case 2u: { y[i] = p * q; }
    // By 0 it gives p.
    case 3u: { y[i] = p / q; }
    case 4u: { y[i] = max(p, q); }
    default: { y[i] = select(0, 1, p != 0 && q != 0); }
  }
}
