import {
  type AnyKernel,
  type BufferSpec,
  entriesOf,
  isQuantized,
  type Preset,
  type Variant,
  wgslOf,
} from "@hulu/kernels";
import { type VariableInfo, WgslReflect } from "wgsl_reflect/wgsl_reflect.module.js";
import { threadsOf, withoutBodies, withoutComments, workgroupBytes } from "./source.js";

/** Where a variant's source says something else than its contract. */
export function contradictions(kernel: AnyKernel, variant: Variant): string[] {
  const source = withoutComments(wgslOf(variant));
  const reflected = new WgslReflect(withoutBodies(source));
  const variables = [...reflected.uniforms, ...reflected.storage];
  const at = (binding: number) => variables.filter((v) => v.group === 0 && v.binding === binding);
  const most = Object.keys(kernel.buffers).length;
  const others = variables.filter((v) => v.group !== 0 || v.binding > most);
  return [
    ...others.map((v) => `group ${v.group}, binding ${v.binding}, ${v.name}, is not in the contract`),
    ...uniformOf(kernel, at(0)[0]),
    ...Object.entries(kernel.buffers).flatMap(([name, spec], i) => storageOf(name, spec, variant, i + 1, at(i + 1))),
    ...entryPoints(variant, reflected),
    ...kernel.presets.flatMap((preset) => constantsOf(preset, source, reflected)),
  ].map((what) => `${kernel.name}, ${variant.name}: ${what}`);
}

/** `from` is a word of WGSL: such a name ends with a line there. */
const named = (found: string | undefined, wanted: string): boolean => found === wanted || found === `${wanted}_`;

function uniformOf(kernel: AnyKernel, uniform: VariableInfo | undefined): string[] {
  if (uniform?.name !== "params" || uniform.type.name !== "Params") return ["binding 0 must be params: Params"];
  const members = uniform.members ?? [];
  const specs = Object.entries({ ...kernel.params, ...kernel.launchParams });
  const wrong = specs.flatMap(([name, { type }], i) => {
    const member = members[i];
    const right = named(member?.name, name) && member?.type.name === type && member.offset === 4 * i;
    return right ? [] : [`Params has ${member?.name}: ${member?.type.name} at ${member?.offset}, not ${name}: ${type}`];
  });
  return members.length > specs.length ? [...wrong, `Params goes on with ${members[specs.length]?.name}`] : wrong;
}

/** One binding may have several names, as plain numbers and as vectors; one of them is the contract's. */
function storageOf(
  name: string,
  spec: BufferSpec,
  variant: Variant,
  binding: number,
  found: readonly VariableInfo[],
): string[] {
  // Scales are of quantized weights alone.
  const scaled = variant.storage !== undefined && isQuantized(variant.storage);
  if (found.length === 0)
    return spec.element === "scale" && !scaled ? [] : [`binding ${binding} must be ${name}; there is none`];
  const access = spec.role === "input" ? "read" : "read_write";
  const ours = found.some((v) => named(v.name, name));
  return [
    ...(ours ? [] : [`binding ${binding} is ${found.map((v) => v.name)}, not ${name}`]),
    ...found.filter((v) => v.access !== access).map((v) => `${v.name} is ${v.access}, not ${access}`),
    ...found
      .map((v) => [v.name, scalarOf(v)] as const)
      .filter(([, scalar]) => !scalarsOf(spec, variant).includes(scalar))
      .map(([n, scalar]) => `${n} has elements ${scalar}`),
  ];
}

/** The scalar of an array, also where that is bound as an array of vectors. */
function scalarOf({ type, format }: VariableInfo): string {
  if (type.name !== "array" || format === null) return type.getTypeName();
  const inner = (format as { readonly format?: { readonly name: string } | null }).format;
  const letter = /^vec[234]([fui])$/.exec(format.name)?.[1];
  return inner?.name ?? (letter === undefined ? format.name : `${letter}32`);
}

/** Numbers of a weight lie in words, and are read as its storage says. */
function scalarsOf({ element }: BufferSpec, { storage }: Variant): readonly string[] {
  if (element === "weight") return storage === "f32" ? ["f32", "u32"] : ["u32"];
  return [element === "scale" ? "f32" : element];
}

function entryPoints(variant: Variant, { entry }: WgslReflect): string[] {
  const found = entry.compute.map(({ name }) => name);
  const ours = entriesOf(variant);
  if (found.length === 0) return ["there is no entry point"];
  return `${found}` === `${ours}` ? [] : [`the entry points are ${found}, entriesOf finds ${ours}`];
}

/** A preset sets every override that is not made of others, and says how large its workgroups are. */
function constantsOf(
  { name, constants, ...preset }: Preset,
  source: string,
  { overrides, entry }: WgslReflect,
): string[] {
  const derived = (override: string) => new RegExp(`\\boverride ${override}\\b[^=;]*=[^;]*[A-Z]`).test(source);
  const open = overrides.map((o) => o.name).filter((o) => !derived(o));
  const given = Object.keys(constants);
  const threads = threadsOf(source, constants);
  const bytes = Math.max(...entry.compute.map((e) => workgroupBytes(source, e.name, constants)));
  const says = [
    ...(`${open.sort()}` === `${given.sort()}` ? [] : [`sets ${given}; the source has ${open}`]),
    ...(threads.length === entry.compute.length && Math.max(...threads) === preset.invocations
      ? []
      : [`says ${preset.invocations} threads; there are ${threads}`]),
    ...(bytes <= preset.workgroupBytes ? [] : [`says ${preset.workgroupBytes} bytes; there are ${bytes}`]),
  ];
  return says.map((what) => `preset ${name} ${what}`);
}
