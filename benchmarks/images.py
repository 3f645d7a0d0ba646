"""Synthetic JPEGs of real size: whole mammograms and lesion crops, of power-law noise."""

from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
from PIL import Image

CLASSES = ["benign", "malignant"]
KINDS = {"full": "whole mammograms", "crop": "lesion crops"}


def texture(rng, height, width):
    """Power-law noise such as parenchyma shows, uint8 (height, width)."""
    side = 512
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side))
    frequency[0, 0] = 1
    noise = np.fft.irfft2(
        frequency**-1.5 * np.exp(2j * np.pi * rng.random(frequency.shape)), (side, side)
    )
    noise = (30 + 190 * (noise - noise.min()) / np.ptp(noise)).astype(np.uint8)
    pixels = np.array(
        Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC), np.float32
    )
    pixels += 3 * rng.standard_normal(pixels.shape, np.float32)
    return pixels.clip(0, 255).astype(np.uint8)


def make_images(folder, kind, count):
    """Write `count` images of a kind, `full` or `crop`, into benign/ and malignant/ by turns.

    Returns their names, relative to folder.

    A full one has about 3,000 x 5,000 pixels, half of them the black around a breast; crops have
    the sizes of CBIS-DDSM's, a median of 336. The malignant ones are somewhat brighter, so
    that there is something to learn.
    """
    for label in CLASSES:
        (folder / label).mkdir(parents=True)
    with ProcessPoolExecutor() as pool:
        return list(pool.map(partial(make_image, folder, kind), range(count), chunksize=4))


def make_image(folder, kind, number):
    rng = np.random.default_rng([1, number])
    if kind == "full":
        pixels = texture(rng, int(rng.integers(4000, 5500)), int(rng.integers(2500, 3400)))
        y, x = np.ogrid[-1 : 1 : pixels.shape[0] * 1j, 0 : 1 : pixels.shape[1] * 1j]
        pixels *= (x / 0.7) ** 2 + (y / 0.9) ** 2 < 1
    else:
        height, width = np.clip(
            rng.lognormal(np.log(336), 0.6) * np.exp(np.array([0.1, -0.1]) * rng.normal()), 60, 1500
        )
        pixels = texture(rng, int(height), int(width))
    pixels += np.uint8(20 * (number % 2)) * ((pixels > 0) & (pixels < 235))
    name = f"{CLASSES[number % 2]}/{number}.jpg"
    Image.fromarray(pixels).save(folder / name, quality=92)
    return name
