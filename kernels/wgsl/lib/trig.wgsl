// Cosine and sine to 1e-7 for any finite angle in radians. WGSL promises its own only between -pi and pi, and there to 2^-11.

// The bits of 2 / pi behind the point, after 64 zeros.
const TWO_OVER_PI = array<u32, 8>(
  0u, 0u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u,
);

// The upper half of a 64-bit product, `a` below 2^24.
fn multiply_high(a: u32, b: u32) -> u32 {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let middle = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
  let other = (a & 0xffffu) * (b >> 16u) + (middle & 0xffffu);
  return (a >> 16u) * (b >> 16u) + (middle >> 16u) + (other >> 16u);
}

// 32 bits of 2 / pi that begin behind bit `at` of the table.
fn two_over_pi(at: u32) -> u32 {
  let table = TWO_OVER_PI;
  let i = at >> 5u;
  let shift = at & 31u;
  // A shift by 32 is none in WGSL, so it is made in two.
  return (table[i] << shift) | ((table[i + 1u] >> 1u) >> (31u - shift));
}

// |angle| in quarter turns modulo 4, as a fixed-point number with 30 bits behind the point, for an angle from 2^-24 up. Payne
// and Hanek, 1983: of 2 / pi only the bits are used that are left of whole turns. In integers, so that no compiler may
// reorder its sums.
fn quarter_turns(angle: f32) -> u32 {
  let bits = bitcast<u32>(angle);
  let mantissa = (bits & 0x7fffffu) | 0x800000u;
  // |angle| = mantissa * 2^(exponent - 150), and a window of 2 + 62 bits of 2 / pi times that power begins here.
  let at = ((bits >> 23u) & 0xffu) - 88u;
  return mantissa * two_over_pi(at) + multiply_high(mantissa, two_over_pi(at + 32u));
}

// (cos, sin) of an angle.
fn cos_sin(angle: f32) -> vec2f {
  // |angle| less whole quarter turns, in radians, as a sum that is never added up: `e` is below 5e-4.
  var quadrant = 0u;
  var a = abs(angle);
  var e = 0.0;
  if (a > 0.785) {
    let turns = quarter_turns(angle);
    quadrant = (turns + 0x20000000u) >> 30u;
    // Between -1/2 and 1/2 of a quarter turn. 12 bits by 11 are exact.
    let rest = bitcast<i32>(turns - (quadrant << 30u));
    a = f32(rest >> 18u) * 0.0003833770751953125;
    e = f32(rest >> 18u) * 1.18121777e-7 + f32(rest & 0x3ffff) * 1.46291812e-9;
  }
  let z = a * a;
  // Minimax polynomials on -pi/4 .. pi/4; what is small is added up first.
  let s = a * z * (-0.166666672 + z * (0.00833332818 + z * (-0.000198390349 + z * 2.71593512e-6)));
  let c = 0.5 * z - z * z * (0.0416666456 + z * (-0.00138873619 + z * 2.44377297e-5));
  let sine = a + (s + e * (1.0 - c - 0.5 * e * a));
  let cosine = 1.0 - (c + e * (a + s + 0.5 * e * (1.0 - c)));
  var turned = vec2f(cosine, sine);
  if ((quadrant & 1u) == 1u) { turned = vec2f(-sine, cosine); }
  if ((quadrant & 2u) == 2u) { turned = -turned; }
  return vec2f(turned.x, select(turned.y, -turned.y, angle < 0.0));
}
