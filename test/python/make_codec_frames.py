"""Frames as medical files hold them, compressed by other people's codecs: test/data/codecs/frames.json.

    python make_codec_frames.py OUT.json

Each entry has what a DICOM file would say of the frame, the bitstream in base64, and the SHA-256 of its samples:
little-endian, [row][column][sample], as numpy's `dtype`. Lossless ones are encoded from an array and must give it back;
for lossy ones the samples are what the named decoder made. Pictures are waves, ramps and a little noise.

Needs numpy, imagecodecs, pillow, pyjpegls, pylibjpeg-openjpeg. Made with imagecodecs 2026.3.6, pillow 13.0.0 (its
libjpeg-turbo is 3.2.0), pyjpegls 1.5.1, pylibjpeg-openjpeg 2.6.0.
"""

import base64
import hashlib
import io
import json
import sys
from pathlib import Path

import imagecodecs
import jpeg_ls as jpeg_ls_codec
import numpy as np
from openjpeg.utils import decode_pixel_data, encode_array
from PIL import Image

UID = "1.2.840.10008.1.2.4."


def picture(rows, columns, samples, bits, signed=False, seed=1):
    """Uses the whole range of `bits`, both ends included."""
    y, x = np.mgrid[0:rows, 0:columns]
    waves = (np.sin(x / 7) + np.cos(y / 5) + 2) / 4
    planes = waves[..., None] + 0.05 * np.arange(samples)
    noise = np.random.default_rng(seed).normal(0, 0.02, planes.shape)
    top = 2**bits - 1
    values = np.round(np.clip((planes + noise) / 1.1, 0, 1) * top).astype(np.int64)
    values.flat[0], values.flat[-1] = 0, top
    if signed:
        values -= 2 ** (bits - 1)
    kind = "i" if signed else "u"
    values = values.astype(f"{kind}{1 if bits <= 8 else 2}")
    return values[..., 0] if samples == 1 else values


def entry(name, syntax, array, bits, encoded, photometric=None):
    samples = 1 if array.ndim == 2 else array.shape[2]
    return {
        "name": name,
        "transferSyntax": UID + syntax,
        "rows": array.shape[0],
        "columns": array.shape[1],
        "samples": samples,
        "bitsAllocated": 8 * array.itemsize,
        "bitsStored": bits,
        "signed": array.dtype.kind == "i",
        "photometric": photometric or ("MONOCHROME2" if samples == 1 else "RGB"),
        "dtype": str(array.dtype),
        "sha256": hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest(),
        "encoded": base64.b64encode(bytes(encoded)).decode(),
    }


def jpeg2000():
    for bits, signed, samples in [(8, False, 1), (8, True, 1), (8, False, 3), (9, True, 1), (12, False, 1),
                                  (12, True, 1), (13, True, 1), (16, False, 1), (16, True, 1), (16, False, 3)]:
        array = picture(33, 41, samples, bits, signed)
        colour = {"photometric_interpretation": 1 if samples == 3 else 2, "use_mct": samples == 3}
        encoded = encode_array(array, bits_stored=bits, **colour)
        name = f"j2k {bits} bits{' signed' if signed else ''}{' rgb' if samples == 3 else ''}"
        yield entry(name, "90", array, bits, encoded, "YBR_RCT" if samples == 3 else None)
    array = picture(48, 48, 1, 12)
    encoded = encode_array(array, bits_stored=12, photometric_interpretation=2, compression_ratios=[8, 4])
    decoded = np.frombuffer(decode_pixel_data(bytes(encoded), version=2), "<u2").reshape(array.shape)
    yield entry("j2k lossy, two layers, by OpenJPEG", "91", decoded, 12, encoded)


def htj2k():
    for bits, signed, samples in [(8, False, 1), (8, True, 1), (12, False, 1), (16, True, 1), (8, False, 3)]:
        array = picture(33, 41, samples, bits, signed)
        encoded = imagecodecs.htj2k_encode(array, reversible=True)
        name = f"htj2k {bits} bits{' signed' if signed else ''}{' rgb' if samples == 3 else ''}"
        yield entry(name, "201", array, bits, encoded, "YBR_RCT" if samples == 3 else None)
    for rows, columns in [(1, 1), (1, 9), (70, 5)]:
        array = picture(rows, columns, 1, 12)
        encoded = imagecodecs.htj2k_encode(array, reversible=True, tlm=True, tile=(32, 32))
        yield entry(f"htj2k {rows} x {columns} in tiles", "202", array, 12, encoded)


def jpeg_ls():
    def encoded_by_charls(array, bits, near, mode):
        planar = mode == 0 and array.ndim == 3
        source = np.ascontiguousarray(array.transpose(2, 0, 1)) if planar else array
        return jpeg_ls_codec.encode_pixel_data(
            source.tobytes(), lossy_error=near, interleave_mode=mode, rows=array.shape[0], columns=array.shape[1],
            samples_per_pixel=1 if array.ndim == 2 else 3, bits_allocated=8 * array.itemsize, bits_stored=bits,
            photometric_interpretation="RGB" if array.ndim == 3 else "MONOCHROME2", planar_configuration=int(planar),
            pixel_representation=0)

    for bits, samples, near, mode in [(2, 1, 0, 0), (5, 1, 0, 0), (8, 1, 0, 0), (12, 1, 0, 0), (16, 1, 0, 0),
                                      (8, 3, 0, 0), (8, 3, 0, 1), (8, 3, 0, 2), (16, 3, 0, 1), (10, 1, 3, 0),
                                      (8, 3, 2, 0), (8, 3, 2, 2)]:
        array = picture(33, 41, samples, bits)
        encoded = encoded_by_charls(array, bits, near, mode)
        decoded = np.frombuffer(bytes(jpeg_ls_codec.decode_pixel_data(bytes(encoded))[0]), array.dtype)
        if samples == 3 and mode == 0:
            decoded = decoded.reshape(3, 33, 41).transpose(1, 2, 0)
        decoded = decoded.reshape(array.shape)
        assert abs(decoded.astype(int) - array).max() <= near
        kind = "near-lossless " if near else ""
        name = f"jpeg-ls {kind}{bits} bits{f' rgb, interleave mode {mode}' if samples == 3 else ''}"
        yield entry(name, "81" if near else "80", decoded, bits, encoded)
    array = picture(33, 41, 1, 12)
    signed = (array.astype(np.int16) << 4) >> 4
    yield entry("jpeg-ls 12 bits signed", "80", signed, 12, encoded_by_charls(array, 12, 0, 0))


def jpeg():
    """Baseline and progressive by Pillow, 12 bits and other samplings by libjpeg-turbo 3, which decodes them all."""
    for rows, columns, samples, sampling, options in [
        (33, 41, 1, 0, {}), (33, 41, 3, 0, {}), (33, 41, 3, 1, {}), (33, 41, 3, 2, {}), (2, 3, 3, 2, {}),
        (33, 41, 3, 2, {"restart_marker_blocks": 2}), (33, 41, 1, 0, {"progressive": True}),
        (33, 41, 3, 2, {"progressive": True, "restart_marker_rows": 1}), (40, 31, 3, 1, {"progressive": True}),
    ]:
        array = picture(rows, columns, samples, 8)
        file = io.BytesIO()
        Image.fromarray(array).save(file, "JPEG", quality=85, subsampling=sampling, **options)
        image = Image.open(io.BytesIO(file.getvalue()))
        if samples == 3:
            image.draft("YCbCr", image.size)
        kind = " ".join(option.split("_")[0] for option in options)
        name = f"jpeg 8 bits {rows} x {columns}{f' 4:{[4, 2, 2][sampling]}:{[4, 2, 0][sampling]}' if samples == 3 else ''} {kind}"
        yield entry(name.strip(), "50", np.asarray(image), 8, file.getvalue(), "YBR_FULL_422" if samples == 3 else None)
    for bits, samples, sampling in [(12, 1, None), (12, 3, "444"), (12, 3, "420"), (8, 3, "440"), (8, 3, "411")]:
        array = picture(33, 41, samples, bits)
        colour = {"colorspace": "RGB", "outcolorspace": "YCBCR", "subsampling": sampling} if samples == 3 else {}
        encoded = imagecodecs.jpeg8_encode(array, level=85, bitspersample=bits, **colour)
        raw = {"colorspace": "YCBCR", "outcolorspace": "YCBCR"} if samples == 3 else {}
        decoded = imagecodecs.jpeg8_decode(encoded, **raw).astype(array.dtype)
        name = f"jpeg {bits} bits{f' 4:{sampling[1]}:{sampling[2]}' if samples == 3 else ''} extended"
        yield entry(name, "51", decoded, bits, encoded, "YBR_FULL" if samples == 3 else None)
    for bits, samples, predictor in [(2, 1, 1), (8, 1, 1), (8, 3, 1), (12, 1, 2), (12, 1, 3), (16, 1, 4), (16, 1, 5),
                                     (16, 3, 6), (14, 1, 7)]:
        array = picture(33, 41, samples, bits)
        colour = {"colorspace": "RGB", "outcolorspace": "RGB"} if samples == 3 else {}
        encoded = imagecodecs.jpeg8_encode(array, lossless=True, predictor=predictor, bitspersample=bits, **colour)
        name = f"jpeg lossless {bits} bits, predictor {predictor}{', rgb' if samples == 3 else ''}"
        yield entry(name, "70" if predictor == 1 else "57", array, bits, encoded)


if __name__ == "__main__":
    frames = [*jpeg2000(), *htj2k(), *jpeg_ls(), *jpeg()]
    text = ",\n".join(json.dumps(frame) for frame in frames)
    Path(sys.argv[1]).write_text(f"[\n{text}\n]\n")
    print(len(frames), "frames")
