/** What went wrong, as a stable name. The README lists what each code means and what to do about it. */
export type ProcessorErrorCode =
  | "image-format"
  | "image-decoder-missing"
  | "image-too-large"
  | "image-corrupt"
  | "image-unsupported"
  | "image-shape"
  | "image-size"
  | "input-limit"
  | "input-format"
  | "input-file"
  | "input-too-large"
  | "input-not-loaded"
  | "config-invalid"
  | "config-unsupported"
  | "dicom-codec-missing"
  | "dicom-corrupt"
  | "dicom-format"
  | "dicom-frame"
  | "dicom-header"
  | "dicom-pixels-missing"
  | "dicom-pixels-short"
  | "dicom-prompt-tag"
  | "dicom-too-large"
  | "dicom-transfer-syntax"
  | "dicom-unsupported"
  | "dicom-window"
  | "nifti-gzip"
  | "nifti-header"
  | "nifti-datatype"
  | "nifti-dimensions"
  | "nifti-pair"
  | "nifti-short"
  | "nifti-too-large"
  | "nifti-volume-index"
  | "series-empty"
  | "series-too-large"
  | "series-volume"
  | "series-volume-index"
  | "volume-axis"
  | "volume-data"
  | "volume-geometry"
  | "volume-slices"
  | "volume-window"
  | "video-sampling"
  | "video-frames"
  | "video-format"
  | "video-decoder-missing"
  | "video-corrupt"
  | "video-unsupported"
  | "video-timeout"
  | "time-value"
  | "tokenizer-invalid"
  | "tokenizer-id"
  | "tokenizer-limit"
  | "chat-conversation"
  | "chat-template"
  | "chat-template-limit"
  | "chat-placeholders";

/**
 * The one error this package throws on purpose. `code` is for programs, `message` says what was wrong, where, and what
 * would be right. It never holds a pixel, a tag's value or a prompt.
 */
export class ProcessorError extends Error {
  override readonly name = "ProcessorError";
  readonly code: ProcessorErrorCode;

  constructor(code: ProcessorErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
