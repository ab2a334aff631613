import type { Executable, Feed, HostTensor, RunOptions, Session, Tensor } from "@hulu/core";
import { hostI32 } from "@hulu/core";
import type { Nd } from "./nd.js";

/** Read a result to the host, and let it go. */
export async function take(tensor: Tensor): Promise<Nd> {
  const nd = { shape: [...tensor.shape], data: Array.from(await tensor.read()) };
  tensor.dispose();
  return nd;
}

/** Run a program and read its one output. */
export async function runOne(
  executable: Executable,
  program: string,
  feeds: Readonly<Record<string, Feed>>,
  options?: RunOptions,
): Promise<Nd> {
  const [result, ...more] = Object.values(await executable.run(program, feeds, options));
  if (result === undefined || more.length > 0) throw new Error(`${program} gave ${more.length + 1} outputs, not one`);
  return take(result);
}

/** Rows of a plane `[1 n ...]`. */
export const part = ({ dtype, shape, data }: HostTensor, from: number, to: number): HostTensor => {
  const width = shape.slice(2).reduce((n, d) => n * d, 1);
  return { dtype, shape: [1, to - from, ...shape.slice(2)], data: data.slice(from * width, to * width) };
};

/** The logits of every position of a piece of text, behind what the session holds. */
export async function feedIds(
  executable: Executable,
  ids: HostTensor,
  session: Session | undefined,
  pick = Array.from({ length: ids.shape[1] as number }, (_, i) => i),
): Promise<Nd> {
  const { embeds } = await executable.run("embed", { ids });
  return runOne(executable, "step", { embeds: embeds as Tensor, pick: hostI32(pick) }, session && { session });
}

/** Results of several runs, one behind the other along the second axis: `[1 n vocab]`. */
export function joined(parts: readonly Nd[]): Nd {
  const rows = parts.reduce((n, p) => n + (p.shape[1] as number), 0);
  return { shape: [1, rows, parts[0]?.shape[2] ?? 0], data: parts.flatMap((p) => Array.from(p.data)) };
}
