import type { Sharp } from "sharp";
import { CANARY } from "../format.js";
import {
  BIG_ENDIAN,
  DEFLATED,
  dataSet,
  dicomFile,
  type Encoding,
  EXPLICIT,
  encapsulated,
  fragmentsOf,
  IMPLICIT,
  NAMES,
  type Tag,
  type Value,
} from "./dicom-write.js";
import { losslessJpeg, rle } from "./encoders.js";
import { data, pattern, picture, sample, written } from "./seeds.js";

interface Pixels {
  readonly rows: number;
  readonly columns: number;
  readonly bits: 1 | 8 | 16 | 32 | 64;
  readonly stored?: number;
  readonly samples?: 1 | 3;
  readonly signed?: boolean;
  readonly photometric?: string;
  readonly planar?: 0 | 1;
  readonly frames?: number;
}

/** What describes pixels. Source: DICOM PS3.3 C.7.6.3. */
export function describe(p: Pixels): Tag[] {
  const stored = p.stored ?? p.bits;
  return [
    ...NAMES,
    [0x00080060, "CS", "CT"],
    [0x0020000d, "UI", "1.2.3.4.5"],
    [0x0020000e, "UI", "1.2.3.4.6"],
    [0x00200013, "IS", "7"],
    [0x00200032, "DS", "-12.5\\-20\\3.25"],
    [0x00200037, "DS", "1\\0\\0\\0\\0.8\\0.6"],
    [0x00280002, "US", [p.samples ?? 1]],
    [0x00280004, "CS", p.photometric ?? "MONOCHROME2"],
    ...(p.samples === 3 ? [[0x00280006, "US", [p.planar ?? 0]] as const] : []),
    ...(p.frames === undefined ? [] : [[0x00280008, "IS", String(p.frames)] as const]),
    [0x00280010, "US", [p.rows]],
    [0x00280011, "US", [p.columns]],
    [0x00280030, "DS", "0.5\\0.75"],
    [0x00280100, "US", [p.bits]],
    [0x00280101, "US", [stored]],
    [0x00280102, "US", [stored - 1]],
    [0x00280103, "US", [p.signed ? 1 : 0]],
  ];
}

/** As many bytes as the pixels take. */
function native({ rows, columns, bits, samples = 1, frames = 1, photometric }: Pixels): Uint8Array {
  const perPixel = photometric === "YBR_FULL_422" ? 2 : (samples * bits) / 8;
  return Uint8Array.from(pattern(Math.ceil(rows * columns * perPixel), frames, 1));
}

const WINDOW: readonly Tag[] = [
  [0x00281050, "DS", "40\\-600"],
  [0x00281051, "DS", "400\\1500"],
  [0x00281052, "DS", "-1024"],
  [0x00281053, "DS", "1.5"],
];
const lut = (first: number, bits: number, values: readonly number[]): Tag[] => [
  [0x00283002, "US", [values.length, first, bits]],
  [0x00283003, "LO", CANARY],
  [0x00283006, "OW", values],
];
const ramp = (count: number, most: number) => Array.from({ length: count }, (_, i) => Math.floor((i * most) / count));

function palette(bits: 8 | 16): Tag[] {
  const entries = ramp(200, 2 ** bits - 1);
  return [0, 1, 2].flatMap((i): Tag[] => [
    [0x00281101 + i, "US", [200, 0, bits]],
    [0x00281201 + i, "OW", bits === 16 ? entries : Uint8Array.from(entries)],
  ]);
}

function segmented(): Tag[] {
  return [0, 1, 2].flatMap((i): Tag[] => [
    [0x00281101 + i, "US", [256, 0, 16]],
    [0x00281221 + i, "OW", [0, 2, 0, 100, 1, 100, 40000, 0, 4, 1, 2, 3, 4, 1, 150, 65535]],
  ]);
}

/** Functional groups, shared and of three frames. */
const GROUPS: readonly Tag[] = [
  [
    0x52009229,
    "SQ",
    {
      items: [
        [
          [
            0x00289110,
            "SQ",
            {
              items: [
                [
                  [0x00280030, "DS", "2\\2"],
                  [0x00180050, "DS", "3"],
                ],
              ],
            },
          ],
          [0x00209116, "SQ", { items: [[[0x00200037, "DS", "1\\0\\0\\0\\1\\0"]]] }],
        ],
      ],
    },
  ],
  [
    0x52009230,
    "SQ",
    {
      open: true,
      items: [0, 1, 2].map((i): Tag[] => [
        [0x00209113, "SQ", { items: [[[0x00200032, "DS", `0\\0\\${i * 3}`]]] }],
        [
          0x00209132,
          "SQ",
          {
            open: true,
            items: [
              [
                [0x00281050, "DS", "50"],
                [0x00281051, "DS", "90"],
              ],
            ],
          },
        ],
        [
          0x00289145,
          "SQ",
          {
            items: [
              [
                [0x00281052, "DS", "-5"],
                [0x00281053, "DS", `${i + 1}`],
              ],
            ],
          },
        ],
        [0x00209111, "SQ", { items: [[[0x00209128, "UL", [i + 1]]]] }],
      ]),
    },
  ],
];

type Native = readonly [Pixels, (readonly Tag[])?, string?];
const KINDS: readonly Native[] = [
  [
    { rows: 6, columns: 7, bits: 8 },
    [
      [0x00281050, "DS", "100"],
      [0x00281051, "DS", "50"],
      [0x00281056, "CS", "SIGMOID"],
    ],
  ],
  [{ rows: 9, columns: 8, bits: 16, stored: 12 }, WINDOW],
  [{ rows: 5, columns: 8, bits: 16, stored: 12, signed: true, frames: 3 }, [...WINDOW, ...GROUPS]],
  [{ rows: 8, columns: 8, bits: 16, photometric: "MONOCHROME1" }],
  [{ rows: 4, columns: 4, bits: 32, signed: true }, WINDOW],
  [{ rows: 6, columns: 11, bits: 1, frames: 2 }],
  [{ rows: 6, columns: 5, bits: 8, samples: 3, photometric: "RGB" }],
  [{ rows: 6, columns: 5, bits: 16, samples: 3, photometric: "RGB", planar: 1 }],
  [
    { rows: 6, columns: 6, bits: 8, samples: 3, photometric: "YBR_FULL", planar: 1, frames: 2 },
    [[0x00181063, "DS", "40"]],
  ],
  [{ rows: 6, columns: 6, bits: 8, samples: 3, photometric: "YBR_FULL_422" }],
  [{ rows: 8, columns: 9, bits: 8, photometric: "PALETTE COLOR" }, palette(8)],
  [{ rows: 8, columns: 9, bits: 16, stored: 8, photometric: "PALETTE COLOR" }, palette(16)],
  [{ rows: 7, columns: 7, bits: 8, photometric: "PALETTE COLOR" }, segmented()],
  [
    { rows: 6, columns: 7, bits: 16, stored: 10 },
    [
      [0x00283000, "SQ", { items: [lut(0, 16, ramp(1000, 4000))] }],
      [0x00283010, "SQ", { items: [lut(100, 8, ramp(300, 255)), lut(0, 12, ramp(64, 4095))], open: true }],
    ],
  ],
  [{ rows: 4, columns: 6, bits: 32 }, [], "OF"],
  [{ rows: 4, columns: 6, bits: 64 }, [], "OD"],
  [{ rows: 6, columns: 6, bits: 8, frames: 4 }, [[0x00181065, "DS", "0\\30\\30\\35"]]],
];

export function dicomSeeds(): readonly Uint8Array[] {
  const encodings: readonly Encoding[] = [EXPLICIT, IMPLICIT, BIG_ENDIAN, DEFLATED];
  const made = KINDS.flatMap(([pixels, more = [], vr = "OW"], i) => {
    const tag = vr === "OF" ? 0x7fe00008 : vr === "OD" ? 0x7fe00009 : 0x7fe00010;
    return [encodings[0]!, encodings[1 + (i % 3)]!].map((encoding) =>
      dicomFile([...describe(pixels), ...more, [tag, vr, native(pixels)]], encoding),
    );
  });
  // Without preamble, and without meta too, as old archives have them.
  const [pixels, more = []] = KINDS[1]!;
  const bare = dataSet([...describe(pixels), ...more, [0x7fe00010, "OW", native(pixels)]], IMPLICIT);
  return [
    ...made,
    made[2]!.subarray(132),
    bare,
    sample("dicom/image_dfl.dcm"),
    sample("3d/ct_series_tiny/2062.dcm"),
  ].filter((b) => b.length > 0);
}

const compressed = (
  end: string,
  pixels: Pixels,
  frames: readonly Uint8Array[],
  more: readonly Tag[] = [],
): Uint8Array =>
  dicomFile(
    [...describe(pixels), ...more, [0x7fe00010, "OB", fragmentsOf(frames, frames.length % 2 === 0) as Value]],
    encapsulated(end),
  );

export function rleSeeds(): readonly Uint8Array[] {
  const kinds: readonly Pixels[] = [
    { rows: 9, columns: 10, bits: 8 },
    { rows: 9, columns: 10, bits: 16, stored: 12, signed: true },
    { rows: 5, columns: 6, bits: 32 },
    { rows: 7, columns: 6, bits: 8, samples: 3, photometric: "RGB" },
    { rows: 7, columns: 6, bits: 16, samples: 3, photometric: "RGB" },
    { rows: 7, columns: 6, bits: 8, samples: 3, photometric: "YBR_FULL" },
    { rows: 12, columns: 12, bits: 8, frames: 2 },
  ];
  const made = kinds.map((pixels) => {
    const one = rle(native({ ...pixels, frames: 1 }), pixels.samples ?? 1, pixels.bits / 8);
    return compressed("5", pixels, Array<Uint8Array>(pixels.frames ?? 1).fill(one), WINDOW);
  });
  const colours = compressed(
    "5",
    { rows: 8, columns: 8, bits: 8, photometric: "PALETTE COLOR" },
    [rle(native({ rows: 8, columns: 8, bits: 8 }), 1, 1)],
    palette(8),
  );
  return [...made, colours, sample("dicom/SC_rgb_rle_16bit_2frame.dcm"), sample("dicom/MR_small_RLE.dcm")];
}

export async function jpegDicomSeeds(): Promise<readonly Uint8Array[]> {
  const encode = async (image: Sharp, options: object) => written(image.jpeg(options));
  const grey: Pixels = { rows: 17, columns: 24, bits: 8 };
  const colour: Pixels = { ...grey, samples: 3, photometric: "YBR_FULL_422" };
  const one = await encode(picture(24, 17, 1), { quality: 80 });
  const lossless = (bits: number, samples: 1 | 3) => losslessJpeg(24, 17, bits, samples);
  return [
    compressed("4.50", grey, [one]),
    compressed("4.50", { ...grey, frames: 2 }, [one, one]),
    compressed("4.50", colour, [await encode(picture(24, 17), { quality: 80 })]),
    compressed("4.50", { ...colour, photometric: "RGB" }, [
      await encode(picture(24, 17), { chromaSubsampling: "4:4:4" }),
    ]),
    compressed("4.51", grey, [one]),
    ...[8, 12, 16].map((stored) =>
      compressed("4.70", { ...grey, bits: stored > 8 ? 16 : 8, stored }, [lossless(stored, 1)], WINDOW),
    ),
    compressed("4.57", { ...grey, samples: 3, photometric: "RGB" }, [lossless(8, 3)]),
    sample("dicom/JPGExtended.dcm"),
    sample("dicom/SC_rgb_jpeg_dcmtk.dcm"),
    sample("dicom/SC_rgb_small_odd_jpeg.dcm"),
  ];
}

interface Coded {
  readonly transferSyntax: string;
  readonly rows: number;
  readonly columns: number;
  readonly samples: 1 | 3;
  readonly bitsAllocated: 8 | 16;
  readonly bitsStored: number;
  readonly signed: boolean;
  readonly photometric: string;
  readonly encoded: string;
}

/** Files around the frames that the codecs' own tests have, of the syntaxes that `ends` names. */
function coded(ends: RegExp): readonly Uint8Array[] {
  const all = JSON.parse(Buffer.from(data("codecs/frames.json")).toString()) as readonly Coded[];
  return all
    .filter(({ transferSyntax }) => ends.test(transferSyntax))
    .map((frame) => {
      const { rows, columns, samples, signed, photometric, bitsAllocated: bits, bitsStored: stored } = frame;
      const end = frame.transferSyntax.slice("1.2.840.10008.1.2.".length);
      return compressed(
        end,
        { rows, columns, samples, signed, photometric, bits, stored },
        [new Uint8Array(Buffer.from(frame.encoded, "base64"))],
        samples === 1 ? WINDOW : [],
      );
    });
}

export const jpegLsSeeds = (): readonly Uint8Array[] => [
  ...coded(/\.4\.8\d$/),
  sample("dicom/MR_small_jpeg_ls_lossless.dcm"),
];
export const jpeg2000Seeds = (): readonly Uint8Array[] => [
  ...coded(/\.4\.9\d$/),
  sample("dicom/JPEG2000.dcm"),
  sample("dicom/MR_small_jp2klossless.dcm"),
];
export const htj2kSeeds = (): readonly Uint8Array[] => coded(/\.4\.20\d$/);
