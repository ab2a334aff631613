import { gelu, geluTanh, silu } from "../maths.js";

/** What a kernel may do to each number of its result, by the value of its parameter `activation`. */
export const activations = ["none", "gelu", "gelu_tanh", "silu"] as const;

/** An activation in float64. @param which an index of `activations` */
export function activate(which: number, x: number): number {
  switch (activations[which]) {
    case "gelu":
      return gelu(x);
    case "gelu_tanh":
      return geluTanh(x);
    case "silu":
      return silu(x);
    default:
      return x;
  }
}
