/// <reference types="@webgpu/types" />
import {
  type AnyKernel,
  type Arrays,
  anyKernel,
  type BufferSpec,
  type Kernel,
  type Launch,
  type Params,
} from "../kernel.js";
import { boundBytes, bufferBytes, KernelError, paramBytes, writeParams } from "../layout.js";
import { pack } from "../storage.js";
import { type KernelChoice, type PreparedKernel, prepareKernel } from "./prepare.js";

// Of GPUBufferUsage and GPUMapMode, which Node has no globals for.
const MAP_READ = 1;
const COPY_SRC = 4;
const COPY_DST = 8;
const UNIFORM = 64;
const STORAGE = 128;
const READ = 1;

/** What a bound buffer of none is: something must be bound. */
const LEAST = 16;
/** Where a uniform block may begin, on every device. */
const UNIFORM_STEP = 256;

export type Results<B extends string = string> = Readonly<Partial<Record<B, Float32Array | Int32Array | Uint32Array>>>;

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
): Promise<Results> {
  const { kernel, variant, preset } = prepared;
  const made: GPUBuffer[] = [];
  const create = (size: number, usage: number) => {
    const buffer = device.createBuffer({ size: Math.max(LEAST, Math.ceil(size / 4) * 4), usage });
    made.push(buffer);
    return buffer;
  };
  try {
    device.pushErrorScope("validation");
    const buffers = new Map<string, GPUBuffer>();
    for (const [name, spec] of Object.entries(kernel.buffers)) {
      const buffer = create(bufferBytes(spec, params, variant.storage), STORAGE | COPY_SRC | COPY_DST);
      buffers.set(name, buffer);
      const bytes =
        spec.role === "input" || spec.role === "inout" ? inputBytes(prepared, name, spec, params, inputs) : undefined;
      if (bytes !== undefined && bytes.byteLength > 0) device.queue.writeBuffer(buffer, 0, bytes);
    }
    const launches = kernel.launches(params, { variant, preset, limits: device.limits });
    const uniform = create(Math.max(1, launches.length) * UNIFORM_STEP, UNIFORM | COPY_DST);
    device.queue.writeBuffer(uniform, 0, uniforms(kernel, params, launches));
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (const [i, launch] of launches.entries()) {
      if (launch.workgroups.includes(0)) continue;
      pass.setPipeline(prepared.pipelines.get(launch.entry)!);
      pass.setBindGroup(0, bindLaunch(device, prepared, params, launch, { buffers, uniform }), [i * UNIFORM_STEP]);
      pass.dispatchWorkgroups(...launch.workgroups);
    }
    pass.end();
    const results = Object.entries(kernel.buffers).filter(([, { role }]) => role === "output" || role === "inout");
    const copies = results.map(([name, spec]) => {
      const size = bufferBytes(spec, params, variant.storage);
      const copy = create(size, MAP_READ | COPY_DST);
      if (size > 0) encoder.copyBufferToBuffer(buffers.get(name)!, 0, copy, 0, size);
      return { name, spec, size, copy };
    });
    device.queue.submit([encoder.finish()]);
    const wrong = await device.popErrorScope();
    if (wrong !== null) throw new KernelError(`${kernel.name}: ${wrong.message}`);
    return Object.fromEntries(await Promise.all(copies.map(read)));
  } finally {
    for (const buffer of made) buffer.destroy();
  }
}

interface Copied {
  readonly name: string;
  readonly spec: BufferSpec;
  readonly size: number;
  readonly copy: GPUBuffer;
}

async function read({ name, spec, size, copy }: Copied) {
  await copy.mapAsync(READ);
  const bytes = copy.getMappedRange().slice(0, size);
  if (spec.element === "i32") return [name, new Int32Array(bytes)] as const;
  return [name, spec.element === "u32" ? new Uint32Array(bytes) : new Float32Array(bytes)] as const;
}

/** The bytes of an input as its buffer holds them; a scale comes with its weight. */
function inputBytes(
  { kernel, variant }: PreparedKernel,
  name: string,
  spec: BufferSpec,
  params: Params,
  inputs: Arrays,
): ArrayBufferView<ArrayBuffer> | undefined {
  const shape = spec.shape(params);
  const count = shape.reduce((n, d) => n * d, 1);
  if (count === 0) return undefined;
  const weight = spec.element === "scale" ? "weight" : name;
  const data = inputs[weight];
  if (data === undefined) throw new KernelError(`${kernel.name} needs the input ${weight} [${shape.join(" ")}]`);
  if (data.length !== count)
    throw new KernelError(`${kernel.name}: ${weight} has ${data.length} numbers, it must be [${shape.join(" ")}]`);
  if (spec.element === "i32") return Int32Array.from(data);
  if (spec.element === "u32") return Uint32Array.from(data);
  if (spec.element === "f32") return Float32Array.from(data);
  const [rows = 1, ...rest] = shape;
  const { words, scales } = pack(
    variant.storage ?? "f32",
    data,
    rows,
    rest.reduce((n, d) => n * d, 1),
  );
  return (spec.element === "weight" ? words : scales) as ArrayBufferView<ArrayBuffer>;
}

function uniforms(kernel: AnyKernel, params: Params, launches: readonly Launch[]): ArrayBuffer {
  const block = new DataView(new ArrayBuffer(launches.length * UNIFORM_STEP));
  for (const [i, launch] of launches.entries())
    writeParams(kernel, { ...params, ...(launch.params as Params) }, block, i * UNIFORM_STEP);
  return block.buffer;
}

/** The bind group of a launch, over buffers by the names of the contract. */
export function bindLaunch(
  device: GPUDevice,
  { kernel, variant, layout }: PreparedKernel,
  params: Params,
  launch: Launch,
  { buffers, uniform }: { readonly buffers: ReadonlyMap<string, GPUBuffer>; readonly uniform: GPUBuffer },
): GPUBindGroup {
  const bound = Object.entries(kernel.buffers).map(([name, spec], i) => {
    const { offset, size } = boundBytes(spec, params, launch.rows, name, variant.storage);
    // The end of a buffer that is cut may be shorter.
    const whole = launch.rows?.[name] === undefined;
    const buffer = buffers.get(name)!;
    return { binding: i + 1, resource: { buffer, offset, size: whole ? Math.max(LEAST, size) : size } };
  });
  const block = { buffer: uniform, offset: 0, size: paramBytes(kernel) };
  return device.createBindGroup({ layout, entries: [{ binding: 0, resource: block }, ...bound] });
}
