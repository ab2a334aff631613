/** A kernel's source, as text: tsup and vitest load it so. */
declare module "*.wgsl" {
  const text: string;
  export default text;
}
