export {
  fromNVImage,
  type ImageWindow,
  imageWindow,
  type NiivueHeader,
  type NiivueImage,
} from "./niivue/image.js";
