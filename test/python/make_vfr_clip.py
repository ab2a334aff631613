"""Writes test/data/video/vfr.mp4: eight frames of H.264 with B-frames, at times that are no multiple of one step.

Run with PyAV 18.1.0 and numpy: python test/python/make_vfr_clip.py
"""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

TIMES_MS = [0, 40, 100, 180, 200, 300, 301, 500]
target = Path(__file__).parent.parent / "data" / "video" / "vfr.mp4"
target.parent.mkdir(exist_ok=True)
with av.open(str(target), "w") as container:
    stream = container.add_stream("libx264", rate=25)
    stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
    stream.options = {"bf": "2", "crf": "30"}
    stream.codec_context.time_base = Fraction(1, 1000)
    for i, time in enumerate(TIMES_MS):
        rgb = np.zeros((48, 64, 3), np.uint8)
        rgb[:, 8 * i : 8 * i + 8] = 200
        frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="yuv420p")
        frame.pts, frame.time_base = time, Fraction(1, 1000)
        container.mux(stream.encode(frame))
    container.mux(stream.encode())
