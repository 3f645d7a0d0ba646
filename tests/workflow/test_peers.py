"""What the benchmarks compare does the same work: the same distribution of augmented images, and results that agree."""

import sys

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers.datasets import save_image
from helpers.project import ROOT
from mammo.statistics.estimation import estimate
from mammo.statistics.settings import Evaluation

sys.path.append(str(ROOT / "benchmarks"))  # as an end: nothing there hides a module of the workflow


def moments(images):
    """What a warp changes of a bright thing on black, images (n, size, size): its light, where its middle is, how wide it reaches,
    and which way it leans, in radians."""
    images = images.astype(float)
    light = images / images.sum((1, 2), keepdims=True)
    y, x = np.mgrid[: images.shape[1], : images.shape[2]]
    middle_y, middle_x = (light * y).sum((1, 2)), (light * x).sum((1, 2))
    dy, dx = y - middle_y[:, None, None], x - middle_x[:, None, None]
    height, width, slant = ((light * product).sum((1, 2)) for product in (dy**2, dx**2, dx * dy))
    return {
        "mean": images.mean((1, 2)), "sd": images.std((1, 2)), "darkest": images.min((1, 2)), "brightest": images.max((1, 2)),
        "middle, down": middle_y, "middle, across": middle_x, "height": height, "width": width,
        "lean": np.arctan2(2 * slant, width - height) / 2,
    }  # fmt: skip


@pytest.mark.slow
def test_augmented_images_are_distributed_as_the_originals():
    from keras.src.legacy.preprocessing.image import ImageDataGenerator
    from ways import AUGMENTATION

    from mammo.model.batches import training_data

    # An oval that leans and is not in the middle, so that no flip, turn, zoom or shift goes unnoticed, and that no warp moves out.
    y, x = np.mgrid[-1:1:32j, -1:1:32j]
    along, across = (x - 0.1) + (y + 0.05) / 2, (y + 0.05) - (x - 0.1) / 2
    picture = np.uint8(255 * np.exp(-((along / 0.28) ** 2) - (across / 0.12) ** 2))
    count = 6000
    pixels = np.repeat(picture[None], count, axis=0)
    images, _ = next(
        iter(
            training_data(
                pixels, np.arange(count), np.zeros(count, np.float32), 1, count, AUGMENTATION
            )
        )
    )
    ours = images.numpy()[..., 0]
    drawn = ImageDataGenerator(rotation_range=20, width_shift_range=0.2, height_shift_range=0.2, shear_range=0.2,
                               zoom_range=0.2, horizontal_flip=True)  # fmt: skip
    theirs = next(drawn.flow(pixels[..., None].astype(np.float32), batch_size=count, seed=1))[
        ..., 0
    ]
    assert ours.shape == theirs.shape
    for name, (a, b) in {
        name: (value, moments(theirs)[name]) for name, value in moments(ours).items()
    }.items():
        assert stats.ks_2samp(a, b).pvalue > 0.001, name
        assert a.mean() == pytest.approx(
            b.mean(), abs=4 * np.hypot(a.std(), b.std()) / count**0.5
        ), name
        assert a.std() == pytest.approx(b.std(), rel=0.05), name
        assert [a.min(), a.max()] == pytest.approx([b.min(), b.max()], abs=np.ptp(b) / 5), name
    # And pixel by pixel: where in the picture light falls on average, and how much it varies there.
    assert np.abs(ours.mean(0) - theirs.mean(0)).max() < 6 * theirs.std(0).max() / count**0.5
    assert np.abs(ours.std(0) - theirs.std(0)).max() < 0.1 * theirs.std(0).max()


def blobs(count, seed):
    """(images, labels): grey noise with a wide bright blob, or a narrow one where malignant; one in ten looks like the other class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    y, x = np.mgrid[-1:1:72j, -1:1:72j]
    images = []
    for narrow in labels ^ (rng.random(count) < 0.1):
        down, across = rng.uniform(-0.3, 0.3, 2)
        blob = np.exp(-((x - across) ** 2 + (y - down) ** 2) / (0.03 if narrow else 0.15))
        images.append(np.uint8((60 + 100 * blob + rng.normal(0, 25, blob.shape)).clip(0, 255)))
    return images, labels


def probabilities(way, folder, epochs, images):
    """What the network that a way trained says of images, float32 (n, size, size, 3)."""
    return way(folder, images.shape[1], epochs)[1].predict(images, verbose=0)[:, 0]


@pytest.mark.slow
def test_metrics_agree_within_their_intervals_whichever_way_the_images_came(tmp_path):
    import ways
    from comparing import apart

    from mammo.dataset.images import decode

    for number, (image, malignant) in enumerate(zip(*blobs(800, 1), strict=True)):
        save_image(
            tmp_path / "train" / ("malignant" if malignant else "benign") / f"{number}.jpg",
            image,
            quality=92,
        )
    images, labels = blobs(400, 2)
    decoded = []
    for image in images:
        save_image(tmp_path / "test.jpg", image, quality=92)
        decoded.append(decode(tmp_path / "test.jpg", 64))
    decoded = np.repeat(np.stack(decoded)[..., None], 3, axis=-1).astype(np.float32)
    names = [f"{number}" for number in range(len(labels))]
    units = pd.DataFrame(
        {"unit": names, "patient_id": names, "label": labels, "majority": 0, "images": 1}
    )
    found = {}
    for way in (ways.this_workflow, ways.generator, ways.dataset):
        table = units.assign(probability=apart(probabilities, way, tmp_path / "train", 12, decoded))
        values = estimate([table], "image", Evaluation.default(draws=1000))
        found[way.__name__] = values.set_index("metric").loc["auroc"]
    assert all(auroc["value"] > 0.8 for auroc in found.values()), (
        found
    )  # something was learnt in each: of 0.9 at best
    for a in found.values():
        for b in found.values():
            assert a["low"] <= b["value"] <= a["high"], found


def test_the_readme_has_the_figures_that_the_benchmarks_measured():
    import runpy

    bench = runpy.run_path(str(ROOT / "benchmarks/__main__.py"))
    readme = (ROOT / "README.md").read_text()
    between = readme.split(bench["BEGIN"])[1].split(bench["END"])[0]
    assert between.strip() == bench["table"](ROOT / "benchmarks/results.csv")


@pytest.mark.parametrize(
    ("rounds", "at_most", "met", "far_off"),
    [([(19, 1), (30, 1), (21, 1)], False, True, False), ([(11, 1)], False, False, False), ([(9, 1)], False, False, True),
     ([(20, 1)], True, True, False), ([(29, 1)], True, False, False), ([(31, 1)], True, False, True)],
)  # fmt: skip
def test_a_ratio_says_whether_it_is_what_was_wanted(rounds, at_most, met, far_off):
    from comparing import Ratio

    ratio = Ratio("speed", rounds, 20, at_most)
    assert (ratio.met, ratio.far_off) == (met, far_off)
    if len(rounds) > 1:
        assert ratio.row == {"measure": "speed", "ratio": "21.00", "least": "19.00", "most": "30.00", "rounds": 3, "wanted": "at least 20", "met": "yes"}  # fmt: skip
