// Activations of four numbers.

fn erf(x: vec4f) -> vec4f {
  // Abramowitz and Stegun, 7.1.26: within 1.5e-7.
  let t = 1.0 / (1.0 + 0.3275911 * abs(x));
  let p = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return sign(x) * (1.0 - p * exp(-x * x));
}

// Hendrycks and Gimpel, 2016: the exact form.
fn gelu(x: vec4f) -> vec4f { return 0.5 * x * (1.0 + erf(x * 0.70710678)); }

// The approximation of the same paper. At 6 the tangent is 1 in float32, and not every device's takes large numbers.
fn gelu_tanh(x: vec4f) -> vec4f {
  let near = clamp(x, vec4f(-6.0), vec4f(6.0));
  return 0.5 * x * (1.0 + tanh(0.79788456 * (near + 0.044715 * near * near * near)));
}

// The bound keeps exp finite; the quotient is 0 in float32 long before it.
fn silu(x: vec4f) -> vec4f { return x / (1.0 + exp(min(-x, vec4f(88.0)))); }
