export { DEFAULT_CONFIG, type PreprocessorConfig, parsePreprocessorConfig } from "./config.js";
export { isDicom } from "./dicom/file.js";
export type { FileWindow, FrameAttributes, Rescale, VoiFunction } from "./dicom/frame-attributes.js";
export { type DicomHeader, frameAttributes } from "./dicom/header.js";
export { type DicomImage, type DicomOptions, readDicom } from "./dicom/image.js";
export type { Photometric, PixelLayout } from "./dicom/layout.js";
export type { RescaleUsed } from "./dicom/modality.js";
export type { DicomPicture } from "./dicom/picture.js";
export type { PromptTag } from "./dicom/prompt-tags.js";
export type { StoredFrame, StoredSamples } from "./dicom/stored.js";
export { uidHash } from "./dicom/uid.js";
export { CT_WINDOWS, type PresetName, type WindowChoice, type WindowUsed } from "./dicom/window.js";
export { ProcessorError, type ProcessorErrorCode } from "./errors.js";
export { bmpDecoder } from "./image/bmp.js";
export { type DecodeOptions, decodeFrames, decodeImage } from "./image/decode.js";
export {
  checkPixels,
  type DecodedFrames,
  type DecodeSettings,
  type Grey16Rule,
  type ImageDecoder,
} from "./image/decoder.js";
export { jpegDecoder } from "./image/jpeg.js";
export { MAX_PIXELS } from "./image/limits.js";
export {
  type FramePatches,
  framePatches,
  itemSizes,
  mergeOrder,
  type Patches,
  type PatchOptions,
  patchItems,
  patchify,
  preprocess,
  streamPatches,
  type VisualItem,
} from "./image/patches.js";
export { pngDecoder } from "./image/png.js";
export { frameResizer, type PassOrder, resizeBicubic } from "./image/resize.js";
export { checkRgb, type RgbImage } from "./image/rgb.js";
export { sharpDecoder } from "./image/sharp.js";
export {
  type Aspect,
  mixedSizes,
  type Size,
  type SizedItem,
  simpleSizes,
  type TokenLimits,
  targetSizes,
} from "./image/size.js";
export { type ImageFormat, sniffImage } from "./image/sniff.js";
export { webDecoder } from "./image/web.js";
export { type FileInput, fileBytes, fileHead } from "./input/file.js";
export { type InputFormat, sniffInput } from "./input/format.js";
export { type FrameSource, frameSource } from "./input/frame-source.js";
export { type FramesOptions, framesOf } from "./input/frames.js";
export { INPUT_LIMITS, type InputLimits, inputLimits } from "./input/limits.js";
export { openInput } from "./input/open.js";
export type { InputFacts, InputFiles, OpenedInput, OpenOptions } from "./input/opened.js";
export { type PictureInput, type PictureOptions, pictureOf, type Samples } from "./input/picture.js";
export type { VideoFrameLike } from "./input/video-frame.js";
export type { InputWarning, InputWarningCode } from "./input/warning.js";
export type { SeriesView } from "./series/cuts.js";
export { type DicomSeries, readSeries, type SeriesOptions } from "./series/series.js";
export type { SeriesFile } from "./series/slice.js";
export type { SeriesSliceOptions, SeriesSource, SeriesWindow, SeriesWindowUsed } from "./series/source.js";
export {
  type Conversation,
  checkConversation,
  type ImagePart,
  type Message,
  type OtherPart,
  type Part,
  type TextPart,
  type VideoPart,
  videoPart,
} from "./text/conversation.js";
export { type JinjaLimits, jinjaTemplate } from "./text/jinja.js";
export { Float, float, type Numeric, parseJson, timeString } from "./text/number.js";
export {
  encodePrompt,
  encodeTraining,
  expandPlaceholders,
  IGNORE,
  type Prompt,
  type PromptOptions,
  placeholderCounts,
  type TrainingExample,
  type VisualGrid,
} from "./text/prompt.js";
export { type ChatTemplate, huluMedTemplate, type TemplateOptions, videoLlama3Template } from "./text/template.js";
export { removeThinking, type ThinkPiece, type ThinkSplitter, thinkSplitter } from "./text/think.js";
export {
  type AddedToken,
  createTokenizer,
  type DecodeIdsOptions,
  type EncodeOptions,
  type Tokenizer,
  type TokenStream,
} from "./text/tokenizer.js";
export { type Cine, type CineOptions, cineSource } from "./video/cine.js";
export { sniffVideo, type VideoContainer } from "./video/container.js";
export { FOLDER_FPS, frameFiles } from "./video/folder.js";
export { openVideo } from "./video/open.js";
export {
  type ClipSampling,
  type Frames,
  GIF_FPS,
  MAX_FRAMES,
  type SampledFrames,
  sampleClip,
  sampleSequence,
} from "./video/sampling.js";
export type { ClipSource, SamplingOptions, VideoOptions, VideoSource } from "./video/source.js";
export { type YuvFrame, type YuvLayout, type YuvMatrix, yuvToRgb } from "./video/yuv.js";
export { type Affine, type Geometry, geometryOf, type Orientation, type Row } from "./volume/affine.js";
export { type NiftiOptions, type NiftiVolume, readNifti } from "./volume/nifti.js";
export type { NiftiHeader } from "./volume/nifti-header.js";
export type { NiftiDatatype } from "./volume/nifti-voxels.js";
export { reorientRas } from "./volume/reorient.js";
export {
  DEFAULT_SLICES,
  type SliceOptions,
  type SliceRule,
  type SliceView,
  scalePlane,
  sliceIndices,
  streamSlices,
  volumeFrames,
} from "./volume/slices.js";
export { volumeSource } from "./volume/source.js";
export { type TypedVolume, typedVolume, type VoxelArray } from "./volume/typed.js";
export { type Axis, axisNumber, type Plane, type Shape, type Volume, volumeOf } from "./volume/volume.js";
