/** Whether this is Node; a page, and a worker of one, have other means. */
export const inNode = (): boolean => typeof process !== "undefined" && typeof process.versions?.node === "string";
