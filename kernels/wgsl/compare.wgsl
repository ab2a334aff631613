// y = 1 where a op b holds, else 0.
// a, b, y [count].

struct Params {
  count: u32,
  op: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
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
  y[i] = select(0, 1, select(p == q, p < q, params.op == 0u));
}
