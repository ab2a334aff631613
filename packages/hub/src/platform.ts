/** Whether this is Node, with a disk to keep models on. */
export const hasDisk = (): boolean => typeof process !== "undefined" && typeof process.versions?.node === "string";

/** A variable of the environment; a page has none. */
export const environment = (name: string): string | undefined =>
  typeof process === "undefined" ? undefined : process.env?.[name] || undefined;
