"""Made-up JPEGs of real size for the benchmarks: whole mammograms and lesion crops, power-law noise at JPEG quality 92."""

import numpy as np
from PIL import Image

CLASSES = ["benign", "malignant"]


def texture(rng, height, width):
    """Power-law noise such as parenchyma shows, uint8 (height, width)."""
    side = 512
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side))
    frequency[0, 0] = 1
    noise = np.fft.irfft2(frequency**-1.5 * np.exp(2j * np.pi * rng.random(frequency.shape)), (side, side))
    noise = (30 + 190 * (noise - noise.min()) / np.ptp(noise)).astype(np.uint8)
    pixels = np.asarray(Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC), np.float32)
    return (pixels + rng.normal(0, 3, pixels.shape)).clip(0, 255).astype(np.uint8)


def make_images(folder, kind, count):
    """Write `count` images of a kind, `full` or `crop`, into benign/ and malignant/ by turns; returns their names, relative to folder.

    A full one has about 3,000 x 5,000 pixels, half of them the black around a breast; crops have the sizes of CBIS-DDSM's, a median
    of 336. The malignant ones are somewhat brighter, so that there is something to learn.
    """
    rng, names = np.random.default_rng(1), []
    for label in CLASSES:
        (folder / label).mkdir(parents=True)
    for number in range(count):
        if kind == "full":
            pixels = texture(rng, int(rng.integers(4000, 5500)), int(rng.integers(2500, 3400)))
            y, x = np.ogrid[-1 : 1 : pixels.shape[0] * 1j, 0 : 1 : pixels.shape[1] * 1j]
            pixels *= (x / 0.7) ** 2 + (y / 0.9) ** 2 < 1
        else:
            side = int(np.clip(rng.lognormal(np.log(336), 0.6), 60, 1500))
            pixels = texture(rng, side, side)
        pixels += np.uint8(20 * (number % 2)) * ((pixels > 0) & (pixels < 235))
        names.append(f"{CLASSES[number % 2]}/{number}.jpg")
        Image.fromarray(pixels).save(folder / names[-1], quality=92)
    return names
