"""Small DICOM files of every kind of pixels, and what pydicom reads from them: test/data/dicom.

pip install pydicom==3.0.2 numpy pylibjpeg pylibjpeg-rle pyjpegls; python make_dicom_goldens.py [FOLDER]

goldens.json has for each file the sha256 of (frames one behind the other, C order, little endian)
  stored    pydicom's pixel_array, not converted
  values    float64: apply_modality_lut; with functional groups slope and intercept of each frame
  rgb       8 bits: apply_color_lut (16-bit entries >> 8), or convert_color_space to RGB; 16-bit RGB >> 8
  windows   [choice, sha256 of 8 bits]: the formulas of PS3.3 C.11.2.1 in float64, floor(y + 0.5), MONOCHROME1 inverted
and what the header says. Where pydicom 3.0.2 counts in the samples' own 8 bits (a Modality LUT of signed samples, a VOI
LUT of 8-bit entries) its indices wrap; it is given wider samples, and no such VOI LUT. Pixels are random, from a fixed seed. The bits above BitsStored hold rubbish.
"""

import hashlib
import json
import pathlib
import sys

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, encapsulate_extended, generate_frames
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi, apply_windowing, pixel_array
from pydicom.pixels.processing import convert_color_space
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
)

HERE = pathlib.Path(__file__).resolve().parent
OUT = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent / "data" / "dicom"
SYNTAXES = {
    "ile": ImplicitVRLittleEndian,
    "ele": ExplicitVRLittleEndian,
    "ebe": ExplicitVRBigEndian,
    "dfl": DeflatedExplicitVRLittleEndian,
}
rng = np.random.default_rng(20)
goldens = {}


def dataset(syntax, rows, cols, frames, samples, alloc, stored, signed, photometric, **more):
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    ds.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    ds.SOPClassUID, ds.SOPInstanceUID, ds.SeriesInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "1.2.3", "1.2.4"
    ds.Modality = "OT"
    ds.Rows, ds.Columns, ds.SamplesPerPixel = rows, cols, samples
    if frames > 1:
        ds.NumberOfFrames = frames
    ds.PhotometricInterpretation = photometric
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = alloc, stored, stored - 1, int(signed)
    for name, value in more.items():
        setattr(ds, name, value)
    return ds


def raw(shape, alloc):
    return rng.integers(0, 2**alloc, shape, dtype=np.uint64).astype(f"uint{alloc}")


def put(ds, array):
    """Native pixels, in the byte order of the syntax."""
    big = ds.file_meta.TransferSyntaxUID == ExplicitVRBigEndian
    data = array.astype(array.dtype.newbyteorder(">" if big else "<")).tobytes()
    data += b"\0" * (len(data) % 2)
    if big and ds.BitsAllocated == 8:
        data = np.frombuffer(data, "<u2").byteswap().tobytes()
    ds.PixelData = data
    ds["PixelData"].VR = "OW"


def sha(array):
    array = np.ascontiguousarray(array)
    return hashlib.sha256(array.astype(array.dtype.newbyteorder("<")).tobytes()).hexdigest()


def linear(x, c, w):
    y = ((x - (c - 0.5)) / (w - 1 if w > 1 else 1) + 0.5) * 255
    return np.where(x <= c - 0.5 - (w - 1) / 2, 0, np.where(x > c - 0.5 + (w - 1) / 2, 255, y))


def exact(x, c, w):
    return np.where(x <= c - w / 2, 0, np.where(x > c + w / 2, 255, ((x - c) / w + 0.5) * 255))


def sigmoid(x, c, w):
    return 255 / (1 + np.exp(-4 * (x - c) / w))


FUNCTIONS = {"LINEAR": linear, "LINEAR_EXACT": exact, "SIGMOID": sigmoid}


def to8(ds, y):
    y = np.clip(np.floor(y + 0.5), 0, 255).astype(np.uint8)
    return 255 - y if ds.PhotometricInterpretation == "MONOCHROME1" else y


def min_max(x):
    return (x - x.min()) / (x.max() - x.min()) * 255 if x.max() > x.min() else x * 0


def save(name, ds, windows=(), rescales=None, rgb=None, **said):
    path = OUT / f"{name}.dcm"
    ds.save_as(path, enforce_file_format=True)
    stored = pixel_array(dcmread(path), raw=True)
    golden = {"shape": list(stored.shape), "dtype": stored.dtype.name, "stored": sha(stored), **said}
    if ds.PhotometricInterpretation.startswith("MONO"):
        if rescales:
            values = np.stack([frame * slope + intercept for frame, (slope, intercept) in zip(stored, rescales)])
        else:
            wide = stored.astype(np.int64) if "ModalityLUTSequence" in ds else stored
            values = apply_modality_lut(wide, ds).astype(np.float64)
        golden["values"] = sha(values.astype(np.float64))
        golden["windows"] = [["min-max", sha(to8(ds, min_max(values)))]]
        for choice, (c, w, f) in windows:
            y = FUNCTIONS[f](values, c, w)
            golden["windows"].append([choice, sha(to8(ds, y))])
            check_window(ds, values, c, w, f, y)
        if "VOILUTSequence" in ds:
            for i, item in enumerate(ds.VOILUTSequence):
                y = apply_voi(values.astype(np.int32), ds, i) / (2.0 ** item.LUTDescriptor[2] - 1) * 255
                golden["windows"].append([{"lut": i}, sha(to8(ds, y))])
    elif rgb is not None:
        golden["rgb"] = sha(rgb(stored))
    goldens[name] = golden


def check_window(ds, values, c, w, f, y):
    """pydicom's own windowing, stretched to 0..255, is the formula's."""
    plain = Dataset()
    plain.WindowCenter, plain.WindowWidth, plain.VOILUTFunction = c, w, f
    plain.BitsStored, plain.PixelRepresentation, plain.PhotometricInterpretation = 8, 0, "MONOCHROME2"
    if f != "LINEAR" or w > 1:
        assert np.abs(apply_windowing(values, plain) - y).max() < 1e-9


def grey():
    for key, syntax in SYNTAXES.items():
        for alloc, stored in ((8, 8), (8, 5), (16, 16), (16, 12), (32, 32), (32, 20)):
            for signed in (False, True):
                frames = 3 if stored % 3 == 2 else 1
                photometric = "MONOCHROME1" if signed and stored % 2 == 0 else "MONOCHROME2"
                ds = dataset(syntax, 5, 7, frames, 1, alloc, stored, signed, photometric)
                put(ds, raw((frames, 5, 7), alloc))
                save(f"grey-{key}-{alloc}-{stored}-{'s' if signed else 'u'}", ds)


def bits():
    for key in ("ele", "ile"):
        ds = dataset(SYNTAXES[key], 5, 7, 3, 1, 1, 1, False, "MONOCHROME2")
        ones = rng.integers(0, 2, 3 * 5 * 7, dtype=np.uint8)
        data = np.packbits(ones, bitorder="little").tobytes()
        ds.PixelData = data + b"\0" * (len(data) % 2)
        ds["PixelData"].VR = "OB"
        save(f"bits-{key}", ds)


def colour():
    for key in ("ele", "ebe"):
        for planar in (0, 1):
            for alloc in (8, 16):
                ds = dataset(SYNTAXES[key], 5, 7, 2, 3, alloc, alloc, False, "RGB", PlanarConfiguration=planar)
                put(ds, raw((2, 3, 5, 7) if planar else (2, 5, 7, 3), alloc))
                save(f"rgb-{key}-{alloc}-p{planar}", ds, rgb=lambda x: (x >> (8 * x.itemsize - 8)).astype(np.uint8))
            ds = dataset(SYNTAXES[key], 5, 7, 1, 3, 8, 8, False, "YBR_FULL", PlanarConfiguration=planar)
            put(ds, raw((3, 5, 7) if planar else (5, 7, 3), 8))
            save(f"ybr-{key}-p{planar}", ds, rgb=lambda x: convert_color_space(x, "YBR_FULL", "RGB"))
        ds = dataset(SYNTAXES[key], 5, 6, 2, 3, 8, 8, False, "YBR_FULL_422", PlanarConfiguration=0)
        put(ds, raw((2, 5, 6 * 2), 8))
        save(f"ybr422-{key}", ds, rgb=lambda x: convert_color_space(x, "YBR_FULL", "RGB", per_frame=True))


def windows():
    for f, name in (("LINEAR", "linear"), ("LINEAR_EXACT", "exact"), ("SIGMOID", "sigmoid")):
        ds = dataset(ExplicitVRLittleEndian, 9, 11, 2, 1, 16, 12, True, "MONOCHROME2")
        ds.RescaleSlope, ds.RescaleIntercept = "1.5", "-100.25"
        ds.WindowCenter, ds.WindowWidth, ds.VOILUTFunction = ["40", "-600.5"], ["400", "1500"], f
        put(ds, raw((2, 9, 11), 16))
        given = [({"center": -3.5, "width": 1.0, "function": f}, (-3.5, 1.0, f))]
        both = [("file", (40, 400, f)), ({"file": 0}, (40, 400, f)), ({"file": 1}, (-600.5, 1500, f))]
        save(f"window-{name}", ds, windows=both + given)


def item(**values):
    ds = Dataset()
    for name, value in values.items():
        setattr(ds, name, value)
    return ds


def lut_item(first, entries, bits, vr):
    lut = Dataset()
    lut.add_new(0x00283002, vr, [len(entries) % 65536, first, bits])
    lut.add_new(0x00283006, "OW", np.asarray(entries, "<u2").tobytes())
    return lut


def luts():
    for signed in (False, True):
        first = -20 if signed else 30
        ds = dataset(ExplicitVRLittleEndian, 9, 11, 1, 1, 8, 8, signed, "MONOCHROME2")
        ds.ModalityLUTSequence = Sequence([lut_item(first, rng.integers(0, 4096, 100), 16, "SS" if signed else "US")])
        ds.ModalityLUTSequence[0].ModalityLUTType = "US"
        put(ds, raw((9, 11), 8))
        save(f"modality-lut-{'s' if signed else 'u'}", ds, modalityLut=True)
    ds = dataset(ImplicitVRLittleEndian, 9, 11, 1, 1, 16, 12, False, "MONOCHROME1")
    ramps = [np.sort(rng.integers(0, 4096, 4096)), np.sort(rng.integers(0, 65536, 4000)), np.arange(1024) // 2]
    ds.VOILUTSequence = Sequence([lut_item(0, ramps[0], 12, "US"), lut_item(50, ramps[1], 16, "US")])
    ds.VOILUTSequence.append(lut_item(100, ramps[2], 10, "US"))
    put(ds, raw((9, 11), 16))
    save("voi-lut", ds, voiLuts=3)


def palettes():
    def palette(bits, first, entries, words, segments=None):
        ds = dataset(ExplicitVRLittleEndian, 9, 11, 1, 1, 8, 8, False, "PALETTE COLOR")
        for i, name in enumerate(("Red", "Green", "Blue")):
            setattr(ds, f"{name}PaletteColorLookupTableDescriptor", [len(entries[i]), first, bits])
            kind = "<u2" if words else "u1"
            data = np.asarray(segments[i] if segments else entries[i], kind).tobytes()
            prefix = "Segmented" if segments else ""
            setattr(ds, f"{prefix}{name}PaletteColorLookupTableData", data + b"\0" * (len(data) % 2))
        put(ds, raw((9, 11), 8))
        return ds

    def rgb(ds):
        def apply(stored):
            # Its own 8-bit entries are two to a word; a padding zero would make it read entries of 9 bits.
            out = apply_color_lut(stored, ds)
            return (out >> 8).astype(np.uint8) if out.dtype == np.uint16 else out

        return apply

    for name, args in (
        ("16", (16, 0, rng.integers(0, 65536, (3, 256)), True)),
        ("16-first", (16, 40, rng.integers(0, 65536, (3, 100)), True)),
        ("8", (8, 0, rng.integers(0, 256, (3, 256)), False)),
        ("8-first", (8, 17, rng.integers(0, 256, (3, 60)), False)),
    ):
        ds = palette(*args)
        save(f"palette-{name}", ds, rgb=rgb(ds))
    for bits in (8, 16):
        top = 2**bits
        segments = [
            [0, 3, *rng.integers(0, top, 3), 1, 101, rng.integers(0, top), 1, 50, rng.integers(0, top), 0, 46]
            + list(rng.integers(0, top, 46))
            for _ in range(3)
        ]
        ds = palette(bits, 0, [range(200)] * 3, bits == 16, segments)
        save(f"palette-segmented-{bits}", ds, rgb=rgb(ds))


def reals():
    for name, dtype, tag in (("float", "<f4", "FloatPixelData"), ("double", "<f8", "DoubleFloatPixelData")):
        ds = dataset(ExplicitVRLittleEndian, 5, 7, 2, 1, 8 * np.dtype(dtype).itemsize, 8, False, "MONOCHROME2")
        del ds.BitsStored, ds.HighBit, ds.PixelRepresentation
        setattr(ds, tag, rng.normal(0, 100, (2, 5, 7)).astype(dtype).tobytes())
        save(f"{name}", ds, windows=[({"center": 1.5, "width": 300}, (1.5, 300, "LINEAR"))])


def enhanced():
    ds = dataset(ExplicitVRLittleEndian, 5, 7, 3, 1, 16, 16, True, "MONOCHROME2")
    ds.Modality = "CT"
    shared = item(
        PixelMeasuresSequence=Sequence([item(PixelSpacing=["0.5", "0.75"], SliceThickness="2.5")]),
        PlaneOrientationSequence=Sequence([item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])]),
    )
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    rescales = [(1.0, -1024.0), (0.5, -1000.0), (2.0, 10.0)]
    ds.PerFrameFunctionalGroupsSequence = Sequence(
        item(
            PlanePositionSequence=Sequence([item(ImagePositionPatient=[-10, 20.5, 2.5 * i])]),
            PixelValueTransformationSequence=Sequence(
                [item(RescaleSlope=str(slope), RescaleIntercept=str(intercept), RescaleType="HU")]
            ),
            FrameVOILUTSequence=Sequence([item(WindowCenter=str(10 * i), WindowWidth=str(100 + i))]),
            FrameContentSequence=Sequence([item(TemporalPositionIndex=i + 1)]),
        )
        for i, (slope, intercept) in enumerate(rescales)
    )
    put(ds, raw((3, 5, 7), 16))
    save("enhanced", ds, rescales=rescales)


def compressed():
    # Smooth: the encoder has no room for what does not compress.
    frames = np.cumsum(rng.integers(0, 3, (3, 16, 17), dtype=np.uint8), axis=2, dtype=np.uint8)
    encoded = []
    for frame in frames:
        one = dataset(ExplicitVRLittleEndian, 16, 17, 1, 1, 8, 8, False, "MONOCHROME2")
        put(one, frame)
        one.compress(JPEGLSLossless, encoding_plugin="pyjpegls")
        encoded.append(next(generate_frames(one.PixelData, number_of_frames=1)))
    for name, data in (
        ("table", encapsulate(encoded, has_bot=True)),
        ("no-table", encapsulate(encoded, has_bot=False)),
        ("fragments", encapsulate(encoded, fragments_per_frame=3, has_bot=True)),
        ("fragments-no-table", encapsulate(encoded, fragments_per_frame=3, has_bot=False)),
        ("extended", encapsulate_extended(encoded)),
    ):
        ds = dataset(JPEGLSLossless, 16, 17, 3, 1, 8, 8, False, "MONOCHROME2")
        if name == "extended":
            data, ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths = data
        ds.PixelData = data
        ds["PixelData"].VR = "OB"
        save(f"encapsulated-{name}", ds)
    for alloc, signed, samples in ((8, False, 3), (16, True, 1)):
        ds = dataset(
            ExplicitVRLittleEndian, 5, 7, 2, samples, alloc, alloc, signed, "RGB" if samples == 3 else "MONOCHROME2"
        )
        if samples == 3:
            ds.PlanarConfiguration = 0
        put(ds, raw((2, 5, 7, samples), alloc))
        ds.compress(RLELossless, encoding_plugin="pylibjpeg", generate_instance_uid=False)
        save(f"rle-{alloc}-{samples}", ds, rgb=lambda x: x)


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for old in OUT.glob("*.dcm"):
        old.unlink()
    for make in (grey, bits, colour, windows, luts, palettes, reals, enhanced, compressed):
        make()
    (OUT / "goldens.json").write_text(json.dumps(goldens, indent=1) + "\n")


main()
