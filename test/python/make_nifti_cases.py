"""Small NIfTI files of every voxel type, version and byte order, and what nibabel reads in them.

Each lies in space in another way: by sform, by qform, by neither, oblique, sheared, with axes exchanged and turned. The
voxels are random bytes (of real types: random numbers, some NaN or infinite).

    python make_nifti_cases.py test/data/volumes/nifti-cases.json

Needs nibabel, numpy.
"""

import base64
import gzip
import hashlib
import itertools
import json
import sys
from io import BytesIO

import nibabel as nib
import numpy as np

TYPES = ["u1", "i2", "i4", "f4", "f8", "i1", "u2", "u4", "i8", "u8"]


def rotation(random):
    q, r = np.linalg.qr(random.standard_normal((3, 3)))
    q = q * np.sign(np.diag(r))
    return q if np.linalg.det(q) > 0 else -q


def voxels(random, dtype, shape):
    if dtype.kind == "f":
        data = (random.standard_normal(shape) * 1000).astype(dtype)
        data.flat[random.integers(data.size)] = random.choice([np.nan, np.inf, 2.5])
        return data
    # All bits, but 64-bit ones beyond float64's integers now and then only.
    info = np.iinfo(dtype)
    return random.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)


def case(random, kind, version, order, _turn):
    shape = tuple(int(n) for n in random.integers(1, 5, random.integers(1, 5)))
    dtype = np.dtype(kind)
    header = (nib.Nifti1Header if version == 1 else nib.Nifti2Header)(endianness=order)
    header.set_data_dtype(dtype)
    header.set_data_shape(shape)
    header["pixdim"][1:8] = random.uniform(0.3, 5, 7)
    header.set_slope_inter(*random.choice([[1, 0], [2, -1], [0.0321, 7.5]]))
    if random.random() < 0.2:
        header["scl_slope"] = random.choice([0, np.nan])
    turn = rotation(random)
    if random.random() < 0.4:
        turn = np.eye(3)[random.permutation(3)] * random.choice([-1, 1], 3)
    where = random.choice(["sform", "sheared", "qform", "both", "none"])
    if where in ("qform", "both"):
        proper = turn if np.linalg.det(turn) > 0 else turn @ np.diag([1, 1, -1])
        b, c, d = nib.quaternions.mat2quat(proper)[1:]
        header["quatern_b"], header["quatern_c"], header["quatern_d"] = b, c, d
        header["qoffset_x"], header["qoffset_y"], header["qoffset_z"] = random.uniform(-90, 90, 3)
        header["pixdim"][0] = random.choice([-1, 1, 0])
        header["qform_code"] = random.integers(1, 5)
        if random.random() < 0.4:
            header["pixdim"][2] = random.choice([0, -1.5])
    if where in ("sform", "sheared", "both"):
        affine = np.eye(4)
        affine[:3, :3] = turn * random.uniform(0.3, 5, 3)
        if where == "sheared":
            affine[:3, :3] += random.uniform(-0.3, 0.3, (3, 3))
        affine[:3, 3] = random.uniform(-90, 90, 3)
        header["srow_x"], header["srow_y"], header["srow_z"] = affine[:3]
        header["sform_code"] = random.integers(1, 5)
    # Half a turn about an oblique axis: the quaternion's first number is 0, which rounding may hide.
    if where == "qform" and random.random() < 0.5:
        axis = random.standard_normal(3)
        header["quatern_b"], header["quatern_c"], header["quatern_d"] = axis / np.linalg.norm(axis)
    if random.random() < 0.2:
        header["sform_code" if where == "qform" else "qform_code"] = random.choice([6, -1])
    header["magic"] = b"n+1" if version == 1 else b"n+2"
    offset = (352 if version == 1 else 544) + 16 * int(random.integers(0, 3))
    header["vox_offset"] = offset
    data = voxels(random, dtype, shape)
    content = header.binaryblock.ljust(offset, b"\0") + data.astype(dtype.newbyteorder(order)).tobytes(order="F")
    image = (nib.Nifti1Image if version == 1 else nib.Nifti2Image).from_bytes(content)
    fdata = image.get_fdata(dtype=np.float64)
    solid = nib.Nifti1Image(fdata.reshape((shape + (1, 1, 1))[: max(3, len(shape))]), image.affine)
    canonical = nib.as_closest_canonical(solid)
    first = canonical.get_fdata()
    return {
        "what": f"{kind} v{version} {order} {where}",
        "file": base64.b64encode(gzip.compress(content, mtime=0)).decode(),
        "shape": shape,
        "zooms": [float(z) for z in image.header.get_zooms()],
        "affine": image.affine.tolist(),
        "axcodes": "".join(nib.aff2axcodes(image.affine)),
        "fdata": hashlib.sha256(fdata.astype("<f8").tobytes(order="F")).hexdigest(),
        "nan": bool(np.isnan(fdata).any()),
        "canonical": {
            "shape": canonical.shape[:3],
            "affine": canonical.affine.tolist(),
            "fdata": hashlib.sha256(first.astype("<f8").tobytes(order="F")).hexdigest(),
        },
    }


def main(path):
    random = np.random.default_rng(17)
    cases = [case(random, *which) for which in itertools.product(TYPES, (1, 2), "<>", range(2))]
    with open(path, "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")


if __name__ == "__main__":
    main(sys.argv[1])
