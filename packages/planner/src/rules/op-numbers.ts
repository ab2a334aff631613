import * as tables from "@hulu/kernels";

/** The number that a kernel knows an operation by. */
const numberIn =
  (table: Readonly<Record<string, number>>) =>
  (name: string): number => {
    const number = Object.hasOwn(table, name) ? table[name] : undefined;
    if (number === undefined) throw new Error(`${name} is not among ${Object.keys(table).join(", ")}`);
    return number;
  };

export const unaryOp = numberIn(tables.unaryOps);
export const binaryOp = numberIn(tables.binaryOps);
export const binaryI32Op = numberIn(tables.binaryI32Ops);
export const compareOp = numberIn(tables.compareOps);
export const reduceOp = numberIn(tables.reduceOps);
/** Of `matmul`; "none" is one. */
export const activationOp = numberIn(Object.fromEntries(tables.activations.map((name, i) => [name, i])));
