export * from "./answer.js";
export type { AskOptions, PromptOptions } from "./ask-options.js";
export { checkMessages } from "./check-messages.js";
export { type LoadedCheckpoint, type LoadedText, type LoadedVlm, openModel } from "./checkpoint.js";
export type {
  ClipPart,
  Files,
  Frames,
  FramesPart,
  ImageInput,
  ImagePart,
  Message,
  Part,
  RememberedPart,
  VolumePart,
} from "./content.js";
export type { Conversation, ConverseOptions } from "./conversation.js";
export { EngineError, type EngineErrorCode } from "./error.js";
export type { CheckpointSource } from "./files.js";
export type { GenerationDefaults } from "./generation-config.js";
export type { EncodedImage, HuluModel } from "./hulu-model.js";
export { type LoadOptions, load } from "./load.js";
export { estimateMemory, formatBytes, type MemoryOptions, type ModelMemory, memoryOf } from "./memory.js";
export { LocalModel, type LocalOptions } from "./model.js";
export {
  type PlanOptions,
  type PreviewFrame,
  type PreviewOptions,
  planVisual,
  previewFrames,
  type VisualPlan,
} from "./plan.js";
export type { OpenOptions, SourceOptions } from "./source.js";
export type { ThinkingMode } from "./text-out.js";
export type { TextWatch } from "./text-watch.js";
export type { WorkerLike } from "./worker/port.js";
