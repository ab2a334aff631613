// Tiles in float16: half the workgroup memory, and twice the rate. Four products are summed in float16, those sums in float32.
// A number or a sum of four over 65504 becomes infinite.

alias Four = vec4<f16>;

fn multiply_add(sum: vec4f, x: Four, a: Four, b: Four, c: Four, d: Four) -> vec4f {
  return sum + vec4f(x.x * a + x.y * b + x.z * c + x.w * d);
}
