"""JPEGs to small squares: the throughput of decode_images, against libjpeg-turbo's scaled decoding alone (simplejpeg).

Both read the same files in as many threads; simplejpeg decodes to no less than twice the size that is wanted, as decode_images does before
it averages.
"""

import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
from comparing import Ratio
from images import KINDS, make_images

WORKERS = os.cpu_count()
# How many images are made, and how often each is decoded: as many as CBIS-DDSM has, beside which a process' start is little.
MADE = {False: {"full": (24, 128), "crop": (1500, 2)}, True: {"full": (6, 16), "crop": (300, 10)}}


def peer(folder, images, size):
    import simplejpeg

    def one(file):
        data = (folder / file).read_bytes()
        simplejpeg.decode_jpeg(data, "GRAY", min_height=2 * size, min_width=2 * size)

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(one, images["file"]))


def ours(folder, images, size):
    from mammo.dataset.decoding import decode_images
    from mammo.dataset.settings import Image

    settings = Image.default(size=size)
    assert not any(decode_images(folder, images, settings, WORKERS, folder / "pixels.npy"))


def seconds(way, *arguments):
    begun = time.perf_counter()
    way(*arguments)
    return time.perf_counter() - begun


def ratios(quick):
    with tempfile.TemporaryDirectory() as scratch:
        for kind, (count, times) in MADE[quick].items():
            folder = Path(scratch, kind)
            images = pd.DataFrame({"file": make_images(folder, kind, count) * times})
            for size in [64, 224]:
                # The first round warms the files' cache.
                rounds = [
                    (seconds(peer, folder, images, size), seconds(ours, folder, images, size))
                    for _ in range(2 if quick else 6)
                ]
                yield Ratio(
                    f"decoding throughput, {KINDS[kind]}, {size} px, against libjpeg-turbo alone",
                    rounds[1:],
                    0.9,
                )
