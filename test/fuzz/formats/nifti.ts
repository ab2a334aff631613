import { gunzipSync, gzipSync } from "node:zlib";
import { CANARY, type Inner } from "../format.js";
import { join, type Layout, type LayoutMaker, latin, layoutOf, packed, writeNumber } from "../layout.js";
import { pattern, sample } from "./seeds.js";

const V1 =
  "sizeof_hdr:u32 data_type:u64 data_type2:u16 db_name:u64 db_name2:u64 db_name3:u16 extents:u32 session_error:u16 regular:u8 dim_info:u8 " +
  "dim0:u16 dim1:u16 dim2:u16 dim3:u16 dim4:u16 dim5:u16 dim6:u16 dim7:u16 intent1:f32 intent2:f32 intent3:f32 intent_code:u16 " +
  "datatype:u16 bitpix:u16 slice_start:u16 qfac:f32 pixdim1:f32 pixdim2:f32 pixdim3:f32 pixdim4:f32 pixdim5:f32 pixdim6:f32 pixdim7:f32 " +
  "vox_offset:f32 scl_slope:f32 scl_inter:f32 slice_end:u16 slice_code:u8 units:u8 cal_max:f32 cal_min:f32 slice_duration:f32 toffset:f32 glmax:u32 glmin:u32";
const V1_FORMS =
  "qform_code:u16 sform_code:u16 quatern_b:f32 quatern_c:f32 quatern_d:f32 qoffset_x:f32 qoffset_y:f32 qoffset_z:f32 " +
  "srow_x0:f32 srow_x1:f32 srow_x2:f32 srow_x3:f32 srow_y0:f32 srow_y1:f32 srow_y2:f32 srow_y3:f32 srow_z0:f32 srow_z1:f32 srow_z2:f32 srow_z3:f32 intent_name:u32";
const V2 =
  "sizeof_hdr:u32 magic:u32 magic2:u32 datatype:u16 bitpix:u16 dim0:u64 dim1:u64 dim2:u64 dim3:u64 dim4:u64 dim5:u64 dim6:u64 dim7:u64 " +
  "intent1:f64 intent2:f64 intent3:f64 qfac:f64 pixdim1:f64 pixdim2:f64 pixdim3:f64 pixdim4:f64 pixdim5:f64 pixdim6:f64 pixdim7:f64 " +
  "vox_offset:u64 scl_slope:f64 scl_inter:f64 cal_max:f64 cal_min:f64 slice_duration:f64 toffset:f64 slice_start:u64 slice_end:u64";
const V2_FORMS =
  "qform_code:u32 sform_code:u32 quatern_b:f64 quatern_c:f64 quatern_d:f64 qoffset_x:f64 qoffset_y:f64 qoffset_z:f64 " +
  "srow_x0:f64 srow_x1:f64 srow_x2:f64 srow_x3:f64 srow_y0:f64 srow_y1:f64 srow_y2:f64 srow_y3:f64 srow_z0:f64 srow_z1:f64 srow_z2:f64 srow_z3:f64 slice_code:u32 units:u32 intent_code:u32";

/** Source: NIfTI-1 and NIfTI-2 data format, nifti.nimh.nih.gov. */
export function niftiLayout(bytes: Uint8Array): Layout {
  const second = bytes[0] === 0x1c || bytes[3] === 0x1c;
  const little = bytes[3] === 0;
  return layoutOf(bytes, little, (made) => {
    headerFields(made, second);
    const end = second ? 540 : 348;
    made.fields(end, "extended:u8 a:u8 b:u8 c:u8 extension_size:u32 extension_code:u32");
    made.piece("header", 0, end);
    made.piece("extension", end, end + 48);
    const rest = Math.ceil((bytes.length - end) / 3);
    for (let at = end; at < bytes.length; at += rest) made.piece("voxels", at, Math.min(bytes.length, at + rest));
  });
}

function headerFields(made: LayoutMaker, second: boolean): void {
  made.fields(0, second ? V2 : V1);
  made.fields(second ? 344 : 252, second ? V2_FORMS : V1_FORMS);
}

/** Source: RFC 1952. */
export function gzipLayout(bytes: Uint8Array): Layout {
  return layoutOf(bytes, true, (made) => {
    made.fields(0, "id1:u8 id2:u8 method:u8 flags:u8 time:u32 extra:u8 system:u8");
    made.fields(bytes.length - 8, "sum:u32 length:u32");
    made.piece("member header", 0, 10);
    made.piece("member", 0, bytes.length);
    made.piece("deflate stream", 10, bytes.length - 8);
    made.piece("trailer", bytes.length - 8, bytes.length);
  });
}

export function gzipInner(bytes: Uint8Array): readonly Inner[] {
  try {
    const content = new Uint8Array(gunzipSync(bytes, { maxOutputLength: 2 ** 20 }));
    return [{ what: "unzipped", content, layout: niftiLayout, close: (inside) => new Uint8Array(gzipSync(inside)) }];
  } catch {
    return [];
  }
}

type Voxel = readonly [code: number, bytes: number];
const VOXELS: readonly Voxel[] = [
  [2, 1],
  [4, 2],
  [8, 4],
  [16, 4],
  [64, 8],
  [256, 1],
  [512, 2],
  [768, 4],
  [1024, 8],
  [1280, 8],
  [128, 3],
  [32, 8],
];

function header(
  version: 1 | 2,
  little: boolean,
  shape: readonly number[],
  [code, size]: Voxel,
  pair: boolean,
): Uint8Array {
  const out = new Uint8Array(version === 1 ? 348 : 540);
  const { places } = layoutOf(out, little, (made) => headerFields(made, version === 2));
  const set = (what: string, value: number) => writeNumber(out, places.find((p) => p.what === what)!, value);
  set("sizeof_hdr", version === 1 ? 348 : 540);
  set("dim0", shape.length);
  for (let i = 1; i <= 7; i++) set(`dim${i}`, shape[i - 1] ?? 1);
  for (let i = 1; i <= 7; i++) set(`pixdim${i}`, i * 0.75);
  set("qfac", -1);
  set("datatype", code);
  set("bitpix", size * 8);
  set("vox_offset", pair ? 0 : version === 1 ? 400 : 592);
  set("scl_slope", code % 3);
  set("scl_inter", -5);
  set("qform_code", 1);
  set("sform_code", shape.length % 2);
  set("quatern_b", 0.2);
  for (const [what, value] of [
    ["srow_x0", -2],
    ["srow_y1", 2],
    ["srow_z2", 3],
    ["srow_x3", 90],
  ] as const)
    set(what, value);
  const text = latin(CANARY);
  if (version === 1) {
    out.set(latin(pair ? "ni1\0" : "n+1\0"), 344);
    for (const at of [14, 148, 228, 328]) out.set(text.subarray(0, 16), at);
  } else {
    out.set(latin(`${pair ? "ni" : "n+"}2\0\r\n\x1a\n`), 4);
    for (const at of [240, 320]) out.set(text, at);
    out.set(text.subarray(0, 16), 508);
  }
  return out;
}

const voxels = (shape: readonly number[], size: number) =>
  Uint8Array.from(
    pattern(
      shape.reduce((n, d) => n * d, 1),
      size,
      1,
      120,
    ),
  );

function nifti(version: 1 | 2, little: boolean, shape: readonly number[], voxel: Voxel): Uint8Array {
  const extension = join(
    Uint8Array.of(1, 0, 0, 0),
    packed(little, "u32", 48, "u32", 6),
    latin(CANARY),
    new Uint8Array(48 - 8 - CANARY.length),
  );
  return join(header(version, little, shape, voxel, false), extension, voxels(shape, voxel[1]));
}

const SHAPES = [
  [5, 6, 4],
  [7, 3, 2, 2],
  [9, 5],
  [4, 3, 2, 1, 3],
] as const;

export function niftiSeeds(): readonly Uint8Array[] {
  return VOXELS.flatMap((voxel, i) => [
    nifti(1, i % 2 === 0, SHAPES[i % 3]!, voxel),
    nifti(2, i % 2 === 1, SHAPES[i % 4]!, voxel),
  ]);
}

export const gzipSeeds = (): readonly Uint8Array[] => [
  ...niftiSeeds().map((bytes) => new Uint8Array(gzipSync(bytes))),
  sample("nasty/one_slice.nii.gz"),
];

/** Header and voxels of a pair. */
export const pairSeeds = (): readonly (readonly [Uint8Array, Uint8Array])[] =>
  VOXELS.flatMap((voxel, i) =>
    ([1, 2] as const).map(
      (version) =>
        [header(version, i % 2 === 0, SHAPES[i % 3]!, voxel, true), voxels(SHAPES[i % 3]!, voxel[1])] as const,
    ),
  );
