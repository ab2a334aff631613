export type { Command, Io } from "./command.js";
export { UsageError } from "./errors.js";
export { commands, main } from "./main.js";
export type { Option, Options, Parsed } from "./options.js";
