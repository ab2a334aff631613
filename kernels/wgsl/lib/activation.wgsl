// Error function, hyperbolic tangent and the activations made of them, to a few units in the last place. WGSL has no error
// function, and promises little of its tanh; some drivers give NaN for a large argument.

// erf x, for |x| up to 1: a minimax polynomial.
fn erf_small(x: f32) -> f32 {
  let z = x * x;
  return x * (1.12837911 + z * (-0.37612325 + z * (0.112801798 + z * (-0.0267113112 + z * (0.0049175513 - z * 0.000563142239)))));
}

// 1 - erf a, for a from 1 up. exp(a^2) erfc(a) (a + 1.5) is a minimax polynomial of (a - 1.5) / (a + 1.5).
fn erfc_large(a: f32) -> f32 {
  let b = min(a, 10.0);
  let d = b + 1.5;
  let u = (b - 1.5) / d;
  let p = 0.96475625 + u * (-0.50785017 + u * (0.0756198913 + u * (0.0477810279 + u * (-0.00808891747
    + u * (-0.00972507149 + u * (-0.000508595840 + u * 0.00223310268))))));
  return exp(-b * b) * p / d;
}

fn erf(x: f32) -> f32 {
  let a = abs(x);
  if (a < 1.0) { return erf_small(x); }
  return sign(x) * (1.0 - erfc_large(a));
}

fn tanh_of(x: f32) -> f32 {
  let a = abs(x);
  if (a < 0.6) {
    let z = x * x;
    return x + x * z * (-0.333332986 + z * (0.133319244 + z * (-0.0537838303 + z * (0.020795973 - z * 0.00589515874))));
  }
  return sign(x) * (1.0 - 2.0 / (exp(2.0 * min(a, 10.0)) + 1.0));
}

// 1 / (1 + exp(-x)). The bound keeps exp finite.
fn sigmoid(x: f32) -> f32 {
  return 1.0 / (1.0 + exp(min(-x, 88.0)));
}

fn silu(x: f32) -> f32 {
  return x * sigmoid(x);
}

// x / 2 * (1 + erf(x / sqrt 2)); where that cancels, by erfc.
fn gelu(x: f32) -> f32 {
  let a = abs(x) * 0.707106781;
  if (a < 1.0) { return 0.5 * x * (1.0 + erf_small(x * 0.707106781)); }
  let tail = 0.5 * x * erfc_large(a);
  return select(tail, x - tail, x > 0.0);
}

// x / 2 * (1 + tanh u) = x * sigmoid(2u), u = sqrt(2 / pi) (x + 0.044715 x^3): no cancellation for a negative x.
fn gelu_tanh(x: f32) -> f32 {
  let b = clamp(x, -20.0, 20.0);
  return x * sigmoid(1.59576912 * (b + 0.044715 * b * b * b));
}
