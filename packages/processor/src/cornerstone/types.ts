/** What this adapter reads of Cornerstone3D. Its own objects fit; nothing of it is imported. */

/** Cornerstone's `metaData`, or one of its providers. */
export type MetaData = { get(type: string, imageId: string): unknown } | ((type: string, imageId: string) => unknown);

export type CornerstonePixels =
  | Uint8Array
  | Uint8ClampedArray
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;

/** Of an `IImage`, as loaders make it. */
export interface CornerstoneImage {
  readonly rows: number;
  readonly columns: number;
  readonly color?: boolean;
  /** value = pixel * slope + intercept, unless that is done already. */
  readonly slope?: number;
  readonly intercept?: number;
  readonly invert?: boolean;
  readonly photometricInterpretation?: string;
  readonly preScale?: {
    readonly scaled?: boolean;
    readonly scalingParameters?: {
      readonly rescaleSlope?: number;
      readonly rescaleIntercept?: number;
      /** To SUV, of PET. */
      readonly suvbw?: number;
      /** To Gy, of a dose. */
      readonly doseGridScaling?: number;
    };
  };
  readonly isPreScaled?: boolean;
  /** 8 is the whole image; below 7 it is a neighbour's copy or of less resolution. */
  readonly imageQualityStatus?: number;
  /** Rows from the top; of a colour 3 or 4 samples a pixel. */
  getPixelData(): CornerstonePixels;
}

/** Of a `VoxelManager`. */
export interface CornerstoneVoxels {
  /** A number, [red, green, blue], or null while the slice of that voxel is not loaded. The first axis is fastest. */
  getAtIndex(index: number): unknown;
  /** A copy of all voxels; of a 4D volume those of the point in time that is shown. */
  getCompleteScalarDataArray?(): ArrayLike<number>;
}

/** Of an `IImageVolume`. */
export interface CornerstoneVolume {
  readonly dimensions: readonly number[];
  /** mm */
  readonly spacing: readonly number[];
  /** Where the axes point, one after the other, LPS. */
  readonly direction: ArrayLike<number>;
  /** Of the first voxel, mm, LPS. */
  readonly origin: readonly number[];
  readonly metadata?: { readonly BitsAllocated?: number };
  readonly isPreScaled?: boolean;
  /** More than 1: a 4D volume. */
  readonly numDimensionGroups?: number;
  readonly voxelManager?: CornerstoneVoxels;
  getCornerstoneImages?(): readonly (CornerstoneImage | undefined)[];
}

/** What a viewport says of how it shows grey values; also the presentation of a display set in a `GenericViewport`. */
export interface ViewportProperties {
  readonly voiRange?: { readonly lower: number; readonly upper: number } | undefined;
  readonly VOILUTFunction?: string | undefined;
  readonly invert?: boolean | undefined;
}

/** Of a stack or volume viewport. */
export interface CornerstoneViewport {
  getProperties(volumeId?: string): ViewportProperties | null | undefined;
}
