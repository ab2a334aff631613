// y = op(x), number by number. x, y [count]. With lib/activation.wgsl and lib/trig.wgsl.

struct Params {
  count: u32,
  op: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

override THREADS: u32 = 64;

fn apply(a: f32) -> f32 {
  switch params.op {
    case 0u: { return abs(a); }
    case 1u: { return exp(a); }
    case 2u: { return sqrt(a); }
    case 3u: { return cos_sin(a).x; }
    case 4u: { return cos_sin(a).y; }
    case 5u: { return tanh_of(a); }
    case 6u: { return erf(a); }
    case 7u: { return gelu(a); }
    case 8u: { return gelu_tanh(a); }
    case 9u: { return silu(a); }
    default: { return a; }
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
  y[i] = apply(x[i]);
}
