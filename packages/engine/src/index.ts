export * from "./answer.js";
export { type LoadedCheckpoint, openModel } from "./checkpoint.js";
export type { ImageInput, Message, Part } from "./content.js";
export { EngineError, type EngineErrorCode } from "./error.js";
export type { CheckpointSource } from "./files.js";
export type { GenerationDefaults } from "./generation-config.js";
export { type AskOptions, HuluModel, type LoadOptions, load } from "./model.js";
export type { ThinkingMode } from "./text-out.js";
export { checkMessages } from "./validate.js";
