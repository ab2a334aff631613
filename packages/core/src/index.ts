export { type ArchiveTensor, readArchive, writeArchive } from "./archive.js";
export * from "./backend.js";
export * from "./compile.js";
export { checkTypes, reserveRows } from "./feeds.js";
export * from "./generate/generate.js";
export { type Random, seededRandom } from "./generate/random.js";
export * from "./generate/sample.js";
export { StopStrings } from "./generate/stop.js";
export { type Axis, atoms, axis, type Fused, fuse, type Names, namesOf, printDims } from "./graph/axis.js";
export * from "./graph/bind.js";
export * from "./graph/graph.js";
export * from "./graph/liveness.js";
export { print } from "./graph/print.js";
export * from "./graph/rewrite.js";
export * from "./graph/size.js";
export {
  type Attr,
  type Attrs,
  type DType,
  describe,
  emit,
  GraphError,
  named,
  type OpDef,
  type Result,
  type Value,
} from "./graph/value.js";
export { verify } from "./graph/verify.js";
export * from "./host-executable.js";
export * from "./interpreter-estimate.js";
export * from "./models/checkpoint.js";
export { type ModelConfig, parseConfig, type TextConfig, type VlmConfig } from "./models/config.js";
export { type Context, type DecoderConfig, decoder } from "./models/decoder.js";
export { ConfigError } from "./models/fields.js";
export { type Gemma3Config, type Gemma3Context, gemma3, type Rotation } from "./models/gemma3.js";
export { parseGemma3Config } from "./models/gemma3-config.js";
export type { DecoderParts, VisionBackbone } from "./models/parts.js";
export * from "./models/presets.js";
export * from "./models/projector.js";
export { type SiglipConfig, siglip } from "./models/siglip.js";
export * from "./models/text.js";
export type { VisionConfig } from "./models/vision-config.js";
export { type VitConfig, vit } from "./models/vit.js";
export * from "./models/vlm.js";
export * as nn from "./nn/index.js";
export * as ops from "./ops/index.js";
export { isPrimitive, type PrimitiveName, primitives } from "./ops/primitives.js";
export { HostSession, type SessionOwner, sessionBytes, sessionOwner } from "./session.js";
export * from "./session-parts.js";
export * from "./tensor.js";
export type { VisualFrames } from "./vision/chunks.js";
export * from "./vision/encode.js";
export * from "./vision/patches.js";
export * from "./vision/prune.js";
export * from "./vision/splice.js";
export * from "./weights/adapter.js";
export * from "./weights/layout.js";
export * from "./weights/params.js";
export * from "./weights/report.js";
export * from "./weights/source.js";
