// Eight chains of a multiplication and an addition in registers, 128 rounds: how fast a device multiplies.

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) thread: vec3u) {
  let at = thread.x % arrayLength(&x);
  let factor = x[at] * 0.5 + 0.25;
  var a = array<vec4f, 8>();
  for (var i = 0u; i < 8; i++) { a[i] = factor + f32(i); }
  for (var round = 0u; round < 128; round++) {
    a[0] = fma(a[0], factor, factor);
    a[1] = fma(a[1], factor, factor);
    a[2] = fma(a[2], factor, factor);
    a[3] = fma(a[3], factor, factor);
    a[4] = fma(a[4], factor, factor);
    a[5] = fma(a[5], factor, factor);
    a[6] = fma(a[6], factor, factor);
    a[7] = fma(a[7], factor, factor);
  }
  // Written, or the compiler would leave out all of it.
  y[at] = a[0] + a[1] + a[2] + a[3] + a[4] + a[5] + a[6] + a[7];
}
