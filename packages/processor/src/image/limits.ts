/** Pillow's own error limit: twice `Image.MAX_IMAGE_PIXELS`. All frames of an animation count together. */
export const MAX_PIXELS = 178_956_970;
