// y = x, 16 bytes a thread: how fast a device moves memory.

@group(0) @binding(0) var<storage, read> x: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4u>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) thread: vec3u) {
  y[thread.x] = x[thread.x];
}
