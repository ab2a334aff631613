export {
  type CornerstoneFrame,
  type CornerstonePicture,
  type CornerstoneSource,
  fromImageId,
} from "./cornerstone/image.js";
export type {
  CornerstoneImage,
  CornerstonePixels,
  CornerstoneViewport,
  CornerstoneVolume,
  CornerstoneVoxels,
  MetaData,
  ViewportProperties,
} from "./cornerstone/types.js";
export { fromVolume } from "./cornerstone/volume.js";
export { type ViewportWindow, viewportWindow } from "./cornerstone/window.js";
