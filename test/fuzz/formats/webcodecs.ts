// What mediabunny asks of a browser, as far as to let it take clips apart in Node: frames come out grey, one for each packet.

interface Size {
  readonly width: number;
  readonly height: number;
}

class Frame {
  readonly format = "I420";
  readonly timestamp: number;
  readonly duration = 0;
  readonly colorSpace = {
    matrix: "bt709",
    fullRange: false,
    primaries: "bt709",
    transfer: "bt709",
    toJSON: () => ({}),
  };
  readonly codedWidth: number;
  readonly codedHeight: number;
  readonly visibleRect: object;
  /** From sizes, or from another frame, with what is to be different. */
  constructor(size: Size | Frame, { timestamp }: { readonly timestamp?: number } = {}) {
    const { width, height } = size instanceof Frame ? { width: size.codedWidth, height: size.codedHeight } : size;
    this.timestamp = timestamp ?? (size instanceof Frame ? size.timestamp : 0);
    this.codedWidth = width;
    this.codedHeight = height;
    this.visibleRect = { x: 0, y: 0, width, height };
  }
  get displayWidth(): number {
    return this.codedWidth;
  }
  get displayHeight(): number {
    return this.codedHeight;
  }
  allocationSize(): number {
    const half = Math.ceil(this.codedWidth / 2) * Math.ceil(this.codedHeight / 2);
    return this.codedWidth * this.codedHeight + 2 * half;
  }
  async copyTo(to: Uint8Array): Promise<readonly { readonly offset: number; readonly stride: number }[]> {
    to.fill(128);
    const [w, h] = [this.codedWidth, this.codedHeight];
    const [cw, ch] = [Math.ceil(w / 2), Math.ceil(h / 2)];
    return [
      { offset: 0, stride: w },
      { offset: w * h, stride: cw },
      { offset: w * h + cw * ch, stride: cw },
    ];
  }
  clone(): Frame {
    return new Frame(this);
  }
  close(): void {}
}

interface Chunk {
  readonly timestamp: number;
}

class Decoder extends EventTarget {
  static async isConfigSupported(config: object): Promise<object> {
    return { supported: true, config };
  }
  readonly decodeQueueSize = 0;
  state = "unconfigured";
  #size = { width: 1, height: 1 };
  constructor(readonly init: { readonly output: (frame: Frame) => void }) {
    super();
  }
  configure({
    codedWidth = 1,
    codedHeight = 1,
  }: {
    readonly codedWidth?: number;
    readonly codedHeight?: number;
  }): void {
    this.state = "configured";
    this.#size = { width: Math.max(1, codedWidth), height: Math.max(1, codedHeight) };
  }
  decode({ timestamp }: Chunk): void {
    const frame = new Frame(this.#size, { timestamp });
    queueMicrotask(() => {
      if (this.state === "configured") this.init.output(frame);
    });
  }
  async flush(): Promise<void> {
    await null;
  }
  reset(): void {
    this.state = "unconfigured";
  }
  close(): void {
    this.state = "closed";
  }
}

class EncodedChunk {
  readonly type: string;
  readonly timestamp: number;
  readonly duration: number | null;
  readonly byteLength: number;
  constructor(init: {
    readonly type: string;
    readonly timestamp: number;
    readonly duration?: number;
    readonly data: Uint8Array;
  }) {
    this.type = init.type;
    this.timestamp = init.timestamp;
    this.duration = init.duration ?? null;
    this.byteLength = init.data.byteLength;
  }
}

/** For the time of `run`. */
export async function withWebCodecs<T>(run: () => Promise<T>): Promise<T> {
  const names = { VideoDecoder: Decoder, VideoFrame: Frame, EncodedVideoChunk: EncodedChunk };
  const before = Object.keys(names).map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const);
  for (const [name, value] of Object.entries(names))
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  try {
    return await run();
  } finally {
    for (const [name, descriptor] of before)
      if (descriptor === undefined) Reflect.deleteProperty(globalThis, name);
      else Object.defineProperty(globalThis, name, descriptor);
  }
}
