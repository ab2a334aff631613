import type { VideoContainer } from "../container.js";

/** What a demuxer is called in ffmpeg. Only these are used, each by name: others follow what a file says. */
const DEMUXERS: Readonly<Record<Exclude<VideoContainer, "gif">, string>> = {
  mp4: "mp4",
  matroska: "matroska",
  avi: "avi",
  mpegts: "mpegts",
  mpegps: "mpeg",
  flv: "flv",
  asf: "asf",
};

/** The most bytes that ffmpeg may take at once, where a frame does not need more: sizes in headers are not believed. */
const MAX_BLOCK = 2 ** 28;

/** Above 4K (4096 x 2160) one thread decodes: each has frames of its own, and a few of 8K are a gigabyte. */
const MAX_THREADED = 2 ** 23 + 2 ** 19;

/** One clip as ffmpeg is asked to open it. */
export interface ClipInput {
  readonly path: string;
  readonly container: Exclude<VideoContainer, "gif">;
  readonly maxPixels: number;
}

/**
 * The arguments up to the output's: files alone may be opened, no device and no network; the first moving picture, without
 * sound and without tags.
 * @param framePixels of the frames that are decoded; 0 where only packets are listed
 */
export function inputArgs({ path, container, maxPixels }: ClipInput, framePixels = 0): string[] {
  return [
    ...["-nostdin", "-nostats", "-loglevel", "level+info"],
    ...["-max_alloc", String(Math.max(MAX_BLOCK, framePixels * 8))],
    ...(framePixels === 0 || framePixels > MAX_THREADED ? ["-threads", "1"] : []),
    ...["-protocol_whitelist", "file", "-f", DEMUXERS[container], "-max_pixels", String(maxPixels)],
    ...["-i", `file:${path}`, "-map", "0:V:0", "-map_metadata", "-1", "-map_chapters", "-1"],
  ];
}

/** Frames are given as they are, none twice and none left out. The option's name changed in FFmpeg 5.1. */
export function everyFrame(version: number | undefined): string[] {
  return version !== undefined && version < 59_037 ? ["-vsync", "0"] : ["-fps_mode", "passthrough"];
}
