// y = op(a, b), number by number. a, b, y [count].

struct Params {
  count: u32,
  op: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

override THREADS: u32 = 64;

fn apply(left: f32, right: f32) -> f32 {
  switch params.op {
    case 0u: { return left + right; }
    case 1u: { return left - right; }
    case 2u: { return left * right; }
    case 3u: { return left / right; }
    default: { return max(left, right); }
  }
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let i = (group.x + group.y * groups.x) * THREADS + thread;
  if (i >= params.count) { return; }
  y[i] = apply(a[i], b[i]);
}
