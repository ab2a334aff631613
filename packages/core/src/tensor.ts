import type { Feed, HostTensor, Tensor } from "./backend.js";
import { FeedError } from "./graph/bind.js";

export const countOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

/** Numbers of the host as a float32 tensor. */
export function hostF32(data: Float32Array | readonly number[], shape: readonly number[]): HostTensor {
  return checkTensor({ dtype: "f32", shape, data: data instanceof Float32Array ? data : Float32Array.from(data) });
}

/** Numbers of the host as an int32 tensor. */
export function hostI32(data: Int32Array | readonly number[], shape: readonly number[] = [data.length]): HostTensor {
  return checkTensor({ dtype: "i32", shape, data: data instanceof Int32Array ? data : Int32Array.from(data) });
}

/** What a caller gave as a tensor. @throws FeedError when its numbers do not fill its shape, or are of another type */
export function checkTensor(tensor: HostTensor): HostTensor {
  if (countOf(tensor.shape) !== tensor.data.length)
    throw new FeedError(`${tensor.data.length} numbers do not fill the shape [${tensor.shape.join(" ")}]`);
  if (tensor.data instanceof Float32Array !== (tensor.dtype === "f32"))
    throw new FeedError(`${tensor.dtype} numbers came in a ${tensor.data.constructor.name}`);
  return tensor;
}

/** A host tensor as a run's result, for backends whose results are on the host anyway; it can be fed to any model. */
export function resultOnHost({ dtype, shape, data }: HostTensor): Tensor & HostTensor {
  const tensor: Tensor & HostTensor = {
    dtype,
    shape,
    data,
    read: async () => data,
    reshape: (to) => {
      if (countOf(to) !== data.length)
        throw new FeedError(`[${shape.join(" ")}] does not reshape to [${to.join(" ")}]`);
      return resultOnHost({ dtype, shape: to, data });
    },
    dispose: () => {},
    [Symbol.dispose]: () => {},
  };
  return tensor;
}

export const isHostTensor = (feed: HostTensor | Tensor): feed is HostTensor => "data" in feed;

/**
 * Bring what was fed to the host, a list joined along its first axis.
 * @throws FeedError when the parts of a list differ in more than the first axis
 */
export async function toHost(feed: Feed): Promise<HostTensor> {
  if (!Array.isArray(feed)) {
    const one = feed as HostTensor | Tensor;
    return isHostTensor(one) ? checkTensor(one) : { dtype: one.dtype, shape: one.shape, data: await one.read() };
  }
  const parts = await Promise.all(feed.map(toHost));
  const { dtype, shape } = joinedShape(parts);
  const data = dtype === "f32" ? new Float32Array(sum(parts)) : new Int32Array(sum(parts));
  let at = 0;
  for (const p of parts) {
    data.set(p.data, at);
    at += p.data.length;
  }
  return { dtype, shape, data };
}

/**
 * What the parts of a fed list are once they are joined along their first axis.
 * @throws FeedError when they differ in more than that
 */
export function joinedShape(
  parts: readonly Pick<HostTensor, "dtype" | "shape">[],
): Pick<HostTensor, "dtype" | "shape"> {
  const [first] = parts;
  if (first === undefined) throw new FeedError("an empty list feeds nothing");
  if (first.shape.length === 0) throw new FeedError("numbers without an axis cannot be joined in a list");
  const tail = first.shape.slice(1);
  if (
    parts.some(
      (p) =>
        p.dtype !== first.dtype ||
        p.shape.length !== first.shape.length ||
        p.shape.slice(1).join(" ") !== tail.join(" "),
    )
  )
    throw new FeedError("the parts of a fed list differ in more than their first axis");
  return { dtype: first.dtype, shape: [parts.reduce((n, p) => n + (p.shape[0] ?? 0), 0), ...tail] };
}

const sum = (parts: readonly HostTensor[]): number => parts.reduce((n, p) => n + p.data.length, 0);
