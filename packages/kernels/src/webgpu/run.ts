/// <reference types="@webgpu/types" preserve="true" />
import { type Arrays, anyKernel, type BufferSpec, type Kernel, type LaunchLimits, type Params } from "../kernel.js";
import { bufferBytes, KernelError } from "../layout.js";
import { pack } from "../storage.js";
import { bindLaunches } from "./dispatch.js";
import { type KernelChoice, type PreparedKernel, prepareKernel } from "./prepare.js";
import { COPY_DST, COPY_SRC, gpuBytes, MAP_READ, READ, STORAGE } from "./usage.js";

const WORD = 4;

export type Results<B extends string = string> = Readonly<Partial<Record<B, Float32Array | Int32Array | Uint32Array>>>;

/** Memory around what a call uses, for a test that wants to see what is done to it. */
export interface Margin {
  /** Before each buffer and behind it; a multiple of 256. What is behind is bound as well, as a kernel must expect. */
  readonly bytes: number;
  /** What a buffer holds at first, its margins and what no input fills. */
  fill(words: Uint32Array, binding: number): void;
  /** Told of each buffer that the kernel may write to, as it is after the call. @throws when something is wrong */
  inspect(name: string, words: Uint32Array, binding: number): void;
}

export interface RunOptions {
  /** What the call's launches must keep to; the device's unless given. */
  readonly limits?: LaunchLimits | undefined;
  readonly margin?: Margin | undefined;
}

/**
 * Run a kernel once on plain arrays and read what it gives: for tests, and to try one out. A model keeps its buffers on the
 * device instead: `prepareKernel`, then the dispatches of `kernel.launches`.
 * @throws KernelError when the device cannot run the kernel, or an input is missing or has another size
 */
export async function runKernel<P extends string, B extends string>(
  device: GPUDevice,
  kernel: Kernel<P, B>,
  call: { readonly params: Params<P>; readonly inputs: Arrays<B> } & KernelChoice,
): Promise<Results<B>> {
  const prepared = await prepareKernel(device, anyKernel(kernel), call);
  return (await runPrepared(device, prepared, call.params, call.inputs)) as Results<B>;
}

/** The same with a kernel that is compiled already. */
export async function runPrepared(
  device: GPUDevice,
  prepared: PreparedKernel,
  params: Params,
  inputs: Arrays,
  { limits = device.limits, margin }: RunOptions = {},
): Promise<Results> {
  const made: GPUBuffer[] = [];
  const create = (size: number, usage: number) => {
    const buffer = device.createBuffer({ size: gpuBytes(size), usage });
    made.push(buffer);
    return buffer;
  };
  const call: Call = { device, prepared, params, margin, edge: margin?.bytes ?? 0, create };
  try {
    const copies = await validated(call, () => submit(call, inputs, limits));
    return Object.fromEntries((await Promise.all(copies.map((copied) => read(call, copied)))).flat());
  } finally {
    for (const buffer of made) buffer.destroy();
  }
}

/** What the pieces of one run share. */
interface Call {
  readonly device: GPUDevice;
  readonly prepared: PreparedKernel;
  readonly params: Params;
  readonly margin: Margin | undefined;
  /** Bytes of the margin. */
  readonly edge: number;
  /** A buffer that is destroyed behind the run. */
  create(size: number, usage: number): GPUBuffer;
}

/** A buffer that comes back to the host. */
interface Copied {
  readonly name: string;
  readonly spec: BufferSpec;
  readonly binding: number;
  /** Bytes, without the margins. */
  readonly size: number;
  readonly copy: GPUBuffer;
}

async function validated<T>({ device, prepared }: Call, work: () => T): Promise<T> {
  device.pushErrorScope("validation");
  let done: T;
  try {
    done = work();
  } catch (cause) {
    await device.popErrorScope();
    throw cause;
  }
  const wrong = await device.popErrorScope();
  if (wrong !== null) throw new KernelError(`${prepared.kernel.name}: ${wrong.message}`);
  return done;
}

function submit(call: Call, inputs: Arrays, limits: LaunchLimits): Copied[] {
  const { device, prepared, params, edge } = call;
  const { kernel, variant, preset } = prepared;
  const buffers = upload(call, inputs);
  const launches = kernel.launches(params, { variant, preset, limits });
  const dispatch = bindLaunches(device, prepared, params, launches, { buffers, edge, create: call.create });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  dispatch(pass);
  pass.end();
  const copies = copyBack(call, buffers, encoder);
  device.queue.submit([encoder.finish()]);
  return copies;
}

/** The call's buffers, by name, the inputs in them. */
function upload({ device, prepared, params, margin, edge, create }: Call, inputs: Arrays): Map<string, GPUBuffer> {
  const { kernel, variant } = prepared;
  const buffers = new Map<string, GPUBuffer>();
  for (const [i, [name, spec]] of Object.entries(kernel.buffers).entries()) {
    const size = bufferBytes(spec, params, variant.storage);
    const buffer = create(edge + size + edge, STORAGE | COPY_SRC | COPY_DST);
    buffers.set(name, buffer);
    const given = spec.role === "input" || spec.role === "inout";
    const data = given ? inputWords(prepared, name, spec, params, inputs) : undefined;
    if (margin !== undefined) {
      const whole = new Uint32Array(buffer.size / WORD);
      margin.fill(whole, i + 1);
      if (data !== undefined) whole.set(data, edge / WORD);
      device.queue.writeBuffer(buffer, 0, whole);
    } else if (data !== undefined) device.queue.writeBuffer(buffer, 0, data);
  }
  return buffers;
}

/** Copies of what the kernel may have written to: what it gives, and in a test its scratch buffers, for their margins. */
function copyBack(
  { prepared, params, margin, edge, create }: Call,
  buffers: ReadonlyMap<string, GPUBuffer>,
  encoder: GPUCommandEncoder,
) {
  const { kernel, variant } = prepared;
  const copies: Copied[] = [];
  for (const [i, [name, spec]] of Object.entries(kernel.buffers).entries()) {
    if (spec.role === "input" || (spec.role === "scratch" && margin === undefined)) continue;
    const size = bufferBytes(spec, params, variant.storage);
    const copy = create(edge + size + edge, MAP_READ | COPY_DST);
    encoder.copyBufferToBuffer(buffers.get(name)!, 0, copy, 0, copy.size);
    copies.push({ name, spec, binding: i + 1, size, copy });
  }
  return copies;
}

async function read({ margin, edge }: Call, { name, spec, binding, size, copy }: Copied) {
  await copy.mapAsync(READ);
  const whole = copy.getMappedRange();
  margin?.inspect(name, new Uint32Array(whole), binding);
  const bytes = whole.slice(edge, edge + size);
  if (spec.role === "scratch") return [];
  if (spec.element === "i32") return [[name, new Int32Array(bytes)] as const];
  return [[name, spec.element === "u32" ? new Uint32Array(bytes) : new Float32Array(bytes)] as const];
}

/** An input as its buffer holds it; a scale comes with its weight. */
function inputWords(
  { kernel, variant }: PreparedKernel,
  name: string,
  spec: BufferSpec,
  params: Params,
  inputs: Arrays,
): Uint32Array<ArrayBuffer> | undefined {
  const shape = spec.shape(params);
  const count = shape.reduce((n, d) => n * d, 1);
  if (count === 0) return undefined;
  const source = spec.element === "scale" ? "weight" : name;
  const data = inputs[source];
  if (data === undefined) throw new KernelError(`${kernel.name} needs the input ${source} [${shape.join(" ")}]`);
  if (data.length !== count)
    throw new KernelError(`${kernel.name}: ${source} has ${data.length} numbers, it must be [${shape.join(" ")}]`);
  if (spec.element === "u32") return Uint32Array.from(data);
  if (spec.element === "i32") return new Uint32Array(Int32Array.from(data).buffer);
  if (spec.element === "f32") return new Uint32Array(Float32Array.from(data).buffer);
  const [rows = 1, ...rest] = shape;
  const width = rest.reduce((n, d) => n * d, 1);
  const { words, scales } = pack(variant.storage ?? "f32", data, rows, width);
  return new Uint32Array((spec.element === "weight" ? words : scales).buffer as ArrayBuffer);
}
