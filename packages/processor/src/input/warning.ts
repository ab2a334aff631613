/** What is odd about an input that is read all the same. The README lists what each code means. */
export type InputWarningCode =
  | "series-gap"
  | "series-duplicate"
  | "series-mixed-orientation"
  | "series-other"
  | "series-not-dicom"
  | "series-4d"
  | "series-order"
  | "window-invalid"
  | "burned-in-annotation"
  | "head-volume"
  | "partial";

/** It says counts, sizes and positions; never a name, a tag's text, a path or a UID. */
export interface InputWarning {
  readonly code: InputWarningCode;
  readonly message: string;
}
