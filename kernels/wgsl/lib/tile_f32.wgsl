// Tiles in float32.

alias Four = vec4f;

// sum + x w, for the four columns of w: four numbers of one row of x by a 4 x 4 block whose rows are a, b, c, d.
fn multiply_add(sum: vec4f, x: Four, a: Four, b: Four, c: Four, d: Four) -> vec4f {
  return sum + x.x * a + x.y * b + x.z * c + x.w * d;
}
