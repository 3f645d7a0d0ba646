"""Synthetic mammograms: breasts with masses and calcifications, their masks, and their ROI crops.

Everything here is a pure function of a numpy Generator; nothing reads or writes a file. Pixels are
worked on as float32 grey levels (0 black, 255 white) and returned as uint8. Benign and malignant
lesions differ in shape alone: outline, size, position, noise and the standard deviation that a
lesion adds to its crop are drawn from the same distributions for both, so that no simple statistic
of a crop gives the label away.
"""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy import fft, ndimage, special

CROP_MARGIN = 0.25  # of the mask's longer side, added on each side of it


class Shape(NamedTuple):
    """How a lesion is drawn."""

    kind: str  # mass or calcification
    malignant: bool
    radius: float  # pixels
    contrast: float  # standard deviation, in grey levels, that it adds to its surroundings


def seeded(seed: int, *key: str) -> np.random.Generator:
    """A Generator that depends on (seed, key) alone.

    What is drawn first, or by which worker, does not matter.
    """
    digest = hashlib.sha256(repr((seed, *key)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


def texture(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Power-law noise, amplitude 1/f^1.5 as in parenchyma: float32 (height, width).

    Mean 0, standard deviation 1.
    """
    rows, columns = fft.next_fast_len(height, real=True), fft.next_fast_len(width, real=True)
    down, across = np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns)[None, :]
    frequency = np.hypot(down * 1.3, across)  # strands run sideways
    frequency[0, 0] = np.inf
    spectrum = frequency**-1.5 * np.exp(2j * np.pi * rng.random(frequency.shape))
    noise = fft.irfft2(spectrum.astype(np.complex64), s=(rows, columns))[:height, :width]
    return (noise - noise.mean()) / noise.std()


def skin_line(rng: np.random.Generator, view: str, height: int, width: int) -> np.ndarray:
    """The distance of the skin from the chest wall in each row, in pixels: float (height,)."""
    y = np.arange(height) / height
    reach = rng.uniform(0.72, 0.86)
    if view == "CC":
        middle, half = rng.uniform(0.47, 0.53), 0.46
    else:
        middle, half = rng.uniform(0.58, 0.62), 0.36
    t = np.clip(np.abs(y - middle) / half, 0, 1)
    edge = reach * (1 - t ** rng.uniform(1.9, 2.3)) ** rng.uniform(0.5, 0.6)
    edge += rng.uniform(0.015, 0.03) * np.exp(-(((y - middle) / 0.018) ** 2))  # the nipple
    if view == "MLO":
        # The axilla above: the sum of exponentials rounds the corner where the two meet.
        axilla = rng.uniform(0.5, 0.6) - 0.25 * y
        edge = np.where(y < middle, np.logaddexp(edge * 12, axilla * 12) / 12, edge)
    return edge * width


def draw_breast(
    rng: np.random.Generator, view: str, density: int, height: int, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """A breast without lesions, its chest wall on the left.

    density is 1 (fatty) to 4 (dense). Returns the picture, float32 (height, width) in grey levels,
    and the depth, float32 (height // 2, width // 2): each point's distance in full pixels to the
    skin, the pectoral muscle or the upper and lower border, 0 outside. Smooth things are drawn at
    half size, which is four times as fast.
    """
    h, w = height // 2, width // 2
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    # How much of a pixel is breast, for a smooth outline.
    cover = np.clip(skin_line(rng, view, h, w)[:, None] - x, 0, 1)
    inside = cover > 0
    pectoral = np.zeros((h, w), np.float32)
    if view == "MLO":
        top, bottom = rng.uniform(0.34, 0.44) * w, rng.uniform(0.45, 0.6) * h
        line = top * np.clip(1 - y / bottom, 0, 1) ** rng.uniform(0.75, 1.0)  # slightly convex
        pectoral = special.expit((line - x) / 1.5) * (line > 0)
    skin = _distance_inwards(inside)
    depth = _distance_inwards(inside & (pectoral < 0.1))

    strands = texture(rng, h, w)
    gland = skin / skin.max() + 0.3 * texture(rng, h, w) - rng.uniform(0.45, 0.55)
    gland = special.expit(7 * gland + 0.9 * (density - 2.5))
    tissue = rng.uniform(52, 72) + 6 * strands + gland * (16 + 9 * density + 9 * strands)
    tissue = tissue * (1 - pectoral) + pectoral * (rng.uniform(125, 150) + 4 * strands)
    # The compressed breast thins out towards the skin, which is bright itself.
    thickness = 1 - np.exp(-skin / rng.uniform(18, 30))
    picture = (tissue * (0.25 + 0.75 * thickness) + 16 * np.exp(-(((skin - 3) / 3) ** 2))) * cover
    half_size = Image.fromarray(picture.astype(np.float32))
    smooth = half_size.resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(smooth), depth


def _distance_inwards(inside: np.ndarray) -> np.ndarray:
    """Each point's distance, in full pixels, to what is not inside, at half size.

    Beyond the chest wall tissue goes on; the upper and lower borders count as outside.
    """
    framed = np.pad(inside, ((1, 1), (1, 0)), constant_values=((0, 0), (1, 1)))
    return 2 * ndimage.distance_transform_edt(framed)[1:-1, 1:].astype(np.float32)


def polar(rng: np.random.Generator, radius: float, n: int) -> tuple[np.ndarray, np.ndarray]:
    """A lesion's outline as coordinates: rho, theta, each float32 (n, n).

    rho is 0 at the centre and 1 on the outline, so the mask is rho < 1. The outline is round, oval
    or gently lobulated, and the same for either class.
    """
    y, x = (np.mgrid[0:n, 0:n] - (n - 1) / 2).astype(np.float32)
    theta = np.arctan2(y, x)
    oval, lobes = rng.uniform(0, 0.16), rng.uniform(0, 0.06)
    outline = 1 + oval * np.cos(2 * (theta - rng.uniform(0, np.pi)))
    outline += lobes * np.cos(rng.integers(3, 5) * theta + rng.uniform(0, 2 * np.pi))
    return np.hypot(y, x) / (radius * outline), theta


def draw_mass(
    rng: np.random.Generator, rho: np.ndarray, theta: np.ndarray, malignant: bool
) -> np.ndarray:
    """A mass in 0..1, (n, n).

    Smooth and well-defined, or an irregular core from which spicules radiate.
    """
    if not malignant:
        rim = rng.uniform(0.8, 0.95)
        dome = 0.7 + 0.3 * np.sqrt(np.clip(1 - (rho / rim) ** 2, 0, 1))
        return dome * special.expit((rim - rho) / 0.035)
    edge: float | np.ndarray = rng.uniform(0.4, 0.5)
    for k in range(3, 10):
        edge = edge + rng.uniform(0.01, 0.045) * np.cos(k * theta + rng.uniform(0, 2 * np.pi))
    mass = special.expit((edge - rho) / 0.07)
    count = rng.integers(10, 17)
    for spicule in range(count):
        angle = 2 * np.pi * (spicule + rng.uniform(-0.3, 0.3)) / count
        turn = (theta - angle + rng.uniform(-0.35, 0.35) * rho + np.pi) % (2 * np.pi) - np.pi
        across = rho * np.sin(turn) / (0.055 * rng.uniform(0.8, 1.2))
        along = np.clip((rng.uniform(1.05, 1.45) - rho) / 0.9, 0, 1)  # tapers off outwards
        drawn = rng.uniform(0.75, 1) * along**0.6 * np.exp(-(across**2)) * (np.abs(turn) < 1.2)
        mass = np.maximum(mass, drawn)
    return mass


def draw_calcifications(
    rng: np.random.Generator, rho: np.ndarray, theta: np.ndarray, malignant: bool
) -> np.ndarray:
    """Calcifications in 0..1, (n, n).

    Few, coarse, round and scattered, or many, fine, pleomorphic and clustered.
    """
    scale = 1 / max(np.abs(np.diff(rho, axis=0)).max(), 1e-6)  # about the radius in pixels
    n = len(rho)
    y, x = (np.mgrid[0:n, 0:n] - (n - 1) / 2).astype(np.float32) / scale
    spots = np.zeros((n, n), np.float32)
    for _ in range(rng.integers(18, 34) if malignant else rng.integers(4, 9)):
        distance = abs(rng.normal(0, 0.4)) if malignant else np.sqrt(rng.uniform(0.02, 0.85))
        angle = rng.uniform(0, 6.283)
        distance = min(distance, 0.9)
        dy, dx = y - distance * np.sin(angle), x - distance * np.cos(angle)
        if malignant:
            tilt, width = rng.uniform(0, np.pi), rng.uniform(0.03, 0.05)
            length = width * rng.choice([1.2, 2, 4], p=[0.4, 0.3, 0.3])
            u, v = dx * np.cos(tilt) + dy * np.sin(tilt), dy * np.cos(tilt) - dx * np.sin(tilt)
            spot = rng.uniform(0.45, 1) * np.exp(-((u / length) ** 2) - ((v / width) ** 2))
        else:
            width = rng.uniform(0.1, 0.17)
            spot = rng.uniform(0.8, 1) * np.exp(-((np.hypot(dx, dy) / width) ** 4))
        spots = np.maximum(spots, spot)
    return spots


def crop_window(mask: np.ndarray) -> tuple[int, int, int]:
    """The square that a crop shows: (top, left, side) in pixels.

    From a mask, (height, width), above 127 inside.
    """
    rows, columns = np.flatnonzero((mask > 127).any(1)), np.flatnonzero((mask > 127).any(0))
    longer = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    side = round(longer * (1 + 2 * CROP_MARGIN))
    return (rows[0] + rows[-1] + 1 - side) // 2, (columns[0] + columns[-1] + 1 - side) // 2, side


def place(
    rng: np.random.Generator,
    depth: np.ndarray,
    taken: list[tuple[int, int, float]],
    radius: float,
    height: int,
    width: int,
) -> tuple[int, int, float]:
    """Where a lesion goes: its centre (y, x) and half the side that is kept free for it, in pixels.

    The lesion lies inside the breast, its crop inside the picture and clear of those `taken`.
    """
    y, x = 2.0 * np.mgrid[0 : depth.shape[0], 0 : depth.shape[1]]
    half = radius * 2  # a crop's half side at the most, and some
    within = (y > half) & (y < height - half) & (x > half) & (x < width - half)
    free = np.where(within, depth - radius, -np.inf)
    for other_y, other_x, other_half in taken:
        apart = np.maximum(np.abs(y - other_y), np.abs(x - other_x))
        free = np.minimum(free, apart - half - other_half)
    spots = np.flatnonzero(free > 0)
    # Where it is crowded, as far from the others as can be.
    spot = rng.choice(spots) if len(spots) else free.argmax()
    return int(y.flat[spot]), int(x.flat[spot]), half


def draw_scan(
    rng: np.random.Generator, side: str, view: str, density: int, lesions: Sequence[Shape]
) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """One view of one breast: (full image, crops, masks), one crop and mask for each lesion.

    side is "LEFT" or "RIGHT", view "CC" or "MLO", density 1 to 4. The full image is uint8
    (height, width); crops are uint8 (side, side) each, cut from it; masks are uint8 (height, width)
    of 0 and 255.
    """
    height, width = int(rng.integers(650, 801)), int(rng.integers(400, 501))
    breast, depth = draw_breast(rng, view, density, height, width)
    picture = breast.copy()
    masks: list[np.ndarray] = []
    taken: list[tuple[int, int, float]] = []
    for lesion in lesions:
        n = 4 * int(lesion.radius)
        rho, theta = polar(rng, lesion.radius, n)
        draw = draw_mass if lesion.kind == "mass" else draw_calcifications
        drawn = draw(rng, rho, theta, lesion.malignant)
        taken.append(place(rng, depth, taken, lesion.radius, height, width))
        top, left = taken[-1][0] - n // 2, taken[-1][1] - n // 2
        picture[top : top + n, left : left + n] += lesion.contrast * drawn / drawn.std()
        mask = np.zeros((height, width), np.uint8)
        mask[top : top + n, left : left + n] = 255 * (rho < 1)
        masks.append(mask)
    picture += rng.uniform(1, 4) * rng.standard_normal(picture.shape, np.float32)  # film noise
    full = np.clip(picture, 0, 255).astype(np.uint8)
    if side == "RIGHT":
        full, masks = full[:, ::-1].copy(), [mask[:, ::-1].copy() for mask in masks]
    crops = []
    for mask in masks:
        top, left, width_of_crop = crop_window(mask)
        crops.append(full[top : top + width_of_crop, left : left + width_of_crop])
    return full, crops, masks
