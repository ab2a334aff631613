"""Pillow's side of bench/resize.mjs: a line in, a line out."""
import hashlib
import sys
import time

import numpy as np
import PIL
from PIL import Image

image = resized = None


def picture(width: int, height: int) -> Image.Image:
    """The bytes of a linear congruential generator modulo 2^32, computed by doubling."""
    n = width * height * 3
    a, c = np.uint32(1103515245), np.uint32(12345)
    x = np.empty(n, np.uint32)
    x[0] = np.uint32((1 * int(a) + int(c)) % 2**32)
    done, step_a, step_c = 1, int(a), int(c)
    while done < n:
        more = min(done, n - done)
        x[done : done + more] = x[:more] * np.uint32(step_a) + np.uint32(step_c)
        done += more
        step_a, step_c = step_a * step_a % 2**32, (step_a * step_c + step_c) % 2**32
    return Image.fromarray((x >> np.uint32(24)).astype(np.uint8).reshape(height, width, 3))


for line in sys.stdin:
    command, *numbers = line.split()
    size = tuple(map(int, numbers))
    if command == "version":
        answer = f"Pillow {PIL.__version__}"
    elif command == "picture":
        image, answer = picture(*size), "ready"
    elif command == "resize":
        start = time.perf_counter()
        resized = image.resize(size, Image.Resampling.BICUBIC)
        answer = (time.perf_counter() - start) * 1000
    else:
        answer = hashlib.sha256(resized.tobytes()).hexdigest()
    print(answer, flush=True)
