"""How fast JPEGs become small squares, as a ratio to libjpeg-turbo's scaled decoding alone (simplejpeg), on the same files and cores.

    make bench

It makes its own files (images.py). Both ways read the
same files in the same number of threads, interleaved, several rounds; the ratio is that of the medians.
"""

import argparse
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import simplejpeg
from images import make_images

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

from scripts.decode_images import decode_images  # noqa: E402


def peer(folder, images, size, workers):
    def one(file):
        data = (folder / file).read_bytes()
        simplejpeg.decode_jpeg(data, "GRAY", min_height=2 * size, min_width=2 * size)

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(one, images["file"]))


def ours(folder, images, size, workers):
    settings = {"region": "crop", "fit": "stretch", "size": size}
    out = np.zeros((len(images), size, size), np.uint8)
    assert not any(decode_images(folder, images, settings, workers, out))


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--full", type=int, default=24, help="whole mammograms to make")
    arguments.add_argument("--crops", type=int, default=1500, help="crops to make")
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--workers", type=int, default=2)
    given = arguments.parse_args()
    print(
        "kind   size  ours ms/image  simplejpeg ms/image  throughput ours/simplejpeg (median; least to most of the rounds)"
    )
    with tempfile.TemporaryDirectory() as scratch:
        for kind, count in [("full", given.full), ("crop", given.crops)]:
            folder = Path(scratch, kind)
            images = pd.DataFrame({"file": make_images(folder, kind, count)})
            for size in (64, 224):
                times = {ours: [], peer: []}
                for _ in range(given.rounds + 1):
                    for way in times:
                        begun = time.perf_counter()
                        way(folder, images, size, given.workers)
                        times[way].append(time.perf_counter() - begun)
                mine, theirs = (times[way][1:] for way in (ours, peer))  # the first round warms the files' cache
                ratios = sorted(b / a for a, b in zip(mine, theirs, strict=True))
                ratio = statistics.median(theirs) / statistics.median(mine)
                ms = [1000 * statistics.median(t) / count for t in (mine, theirs)]
                print(
                    f"{kind}  {size:5}  {ms[0]:13.2f}  {ms[1]:19.2f}  {ratio:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})",
                    flush=True,
                )


if __name__ == "__main__":
    main()
