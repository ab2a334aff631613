import {
  checkTensor,
  checkTypes,
  countOf,
  type Feed,
  FeedError,
  type Graph,
  type HostTensor,
  isHostTensor,
  joinedShape,
  type Tensor,
} from "@hulu/core";
import type { DeviceBuffer, KernelDevice } from "../device.js";
import { DeviceTensor, type Held, type Results } from "./results.js";

const WORD = 4;

/** One piece of what an input is fed: numbers on the host, or a result that lies on the device. */
type Part = HostTensor | Held;

/** What an input is fed, checked by itself. A result is held until `releaseFeeds`. */
export interface Fed {
  readonly dtype: "f32" | "i32";
  readonly shape: readonly number[];
  /** Joined along the first axis. */
  readonly parts: readonly Part[];
}

const isHost = (part: Part): part is HostTensor => "data" in part;

/**
 * Everything that a program is fed, of the element types that it declares; shapes and names are for `bindSizes` to check.
 * @throws FeedError for what is no tensor of the host or of this executable
 */
export function takeFeeds(
  graph: Graph,
  inputs: Readonly<Record<string, Feed>>,
  results: Results,
): ReadonlyMap<string, Fed> {
  const fed = new Map<string, Fed>();
  try {
    for (const [name, feed] of Object.entries(inputs)) fed.set(name, take(feed, results));
    checkTypes(graph, fed);
    return fed;
  } catch (error) {
    releaseFeeds(fed);
    throw error;
  }
}

export function releaseFeeds(fed: ReadonlyMap<string, Fed>): void {
  for (const { parts } of fed.values()) for (const part of parts) if (!isHost(part)) part.release();
}

function take(feed: Feed, results: Results): Fed {
  const list = (Array.isArray(feed) ? feed : [feed]) as readonly (HostTensor | Tensor)[];
  const { dtype, shape } = Array.isArray(feed) ? joinedShape(list) : list[0]!;
  const parts: Part[] = [];
  try {
    for (const tensor of list) parts.push(partOf(tensor, results));
  } catch (error) {
    for (const part of parts) if (!isHost(part)) part.release();
    throw error;
  }
  return { dtype, shape, parts };
}

function partOf(tensor: HostTensor | Tensor, results: Results): Part {
  if (isHostTensor(tensor)) return checkTensor(tensor);
  if (tensor instanceof DeviceTensor) return tensor.share(results);
  throw new FeedError("a result of another model was fed: read it, and feed that");
}

/** The numbers of a feed where they are on the host, for checks. */
export function numbersOf(fed: Fed | undefined): ArrayLike<number> | undefined {
  const host = fed?.parts.filter(isHost) ?? [];
  return host.length === 1 ? host[0]!.data : host.flatMap((part) => Array.from(part.data));
}

/** The buffer of a feed that can be passed as it is; undefined where its parts must be put into one. */
export function bufferOf({ parts }: Fed): DeviceBuffer | undefined {
  const [only, ...more] = parts;
  return only !== undefined && more.length === 0 && !isHost(only) ? only.buffer : undefined;
}

export const feedBytes = ({ shape }: Fed): number => countOf(shape) * WORD;

/** Queue what puts a feed's parts behind one another. */
export function writeFeed(device: KernelDevice, { parts }: Fed, to: DeviceBuffer): void {
  let at = 0;
  for (const part of parts) {
    if (isHost(part)) {
      const { buffer, byteOffset, byteLength } = part.data;
      if (byteLength > 0) device.write(to, at, new Uint8Array(buffer, byteOffset, byteLength));
      at += byteLength;
    } else {
      if (part.bytes > 0) device.copy(part.buffer, 0, to, at, part.bytes);
      at += part.bytes;
    }
  }
}
