/** The numbers that kernels know operations by. */
const numberIn =
  (names: readonly string[]) =>
  (name: string): number => {
    const at = names.indexOf(name);
    if (at < 0) throw new Error(`${name} is not among ${names.join(", ")}`);
    return at;
  };

export const unaryOps = numberIn(["abs", "exp", "sqrt", "cos", "sin", "tanh", "erf", "gelu", "gelu_tanh", "silu"]);
export const binaryOps = numberIn(["add", "sub", "mul", "div", "max", "and"]);
export const compareOps = numberIn(["less", "equal"]);
export const reduceOps = numberIn(["sum", "max"]);
/** Of `matmul`. */
export const activations = numberIn(["none", "gelu", "gelu_tanh", "silu"]);
