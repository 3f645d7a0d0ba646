"""Explaining: Grad-CAM against values by hand, the lesion's mask found on what the network sees, and the gallery. Imports TensorFlow."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.datasets import save_image
from mammo.dataset.images import decode, mask_box
from mammo.dataset.phantom import drawing as phantom
from mammo.log import InputError
from mammo.model.devices import use_devices
from mammo.model.explanation import energies, lesions_of, main, outlines
from mammo.model.gradcam import (
    energy_in_others,
    energy_inside,
    grad_cam,
    last_convolution,
    over_image,
    unit_places,
)
from mammo.model.lesion_masks import correlations, find_crop, mask_inside, seen_lesions
from mammo.report.figures import FIGURES
from mammo.report.figures.gradcam import COLUMNS, SECTIONS, draw_gallery, shown_rows
from mammo.report.style import marked
from mammo.statistics.energy import measure_energy
from mammo.statistics.settings import Evaluation
from mammo.tables import read_table, write_table

use_devices(2)
import keras  # noqa: E402
from keras import layers  # noqa: E402

from mammo.model.networks import seed_cnn  # noqa: E402

EVALUATION = Evaluation.default(draws=400)


def tiny_network(bias=0.0):
    """Two feature maps, the image and its negative half, and a dense layer with a weight of its own for each place."""
    model = keras.Sequential(
        [
            keras.Input((2, 2, 3)),
            layers.Conv2D(2, 1, use_bias=False),
            layers.Flatten(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    kernel = np.zeros((1, 1, 3, 2), np.float32)
    kernel[0, 0, 0] = [1, -0.5]  # of the first channel alone
    # Flattened: place by place, and of each place both maps. Their means are 1 for the first map, 2 for the second.
    dense = np.array([4, 2, 0, 2, 0, 0, 0, 4], np.float32)[:, None]
    model.set_weights([kernel, dense, np.array([bias], np.float32)])
    return model


def test_grad_cam_is_what_a_hand_computes():
    image = np.array([[1, 2], [3, 4]], np.float32)
    images = np.stack([image, -image])[..., None].repeat(3, axis=-1)
    # The maps of the first image: A1 = x and A2 = -x/2; so 1 * A1 + 2 * A2 = 0 everywhere. Of weights (1, 0): A1.
    model = tiny_network()
    maps, logits = grad_cam(model, model.layers[0], [images], np.array([1, 1]))
    assert maps.shape == (2, 2, 2)
    assert (maps == 0).all()
    # 4*1 + 2*(-.5) + 2*(-1) + 4*(-2) = -7; of the negative image the other way round.
    assert logits.tolist() == pytest.approx([-7, 7])
    model = tiny_network()
    weights = model.get_weights()
    weights[1][:, 0] = [4, 2, 0, -2, 0, 0, 0, 0]  # means 1 and 0
    model.set_weights(weights)
    maps, _ = grad_cam(model, model.layers[0], [images[:1], images[1:]], np.array([1, 1]))
    assert maps[0] == pytest.approx(image)
    assert (maps[1] == 0).all()  # what is negative speaks against
    model.layers[-1].activation = keras.activations.sigmoid
    maps, _ = grad_cam(model, model.layers[0], [images[:1], images[1:]], np.array([-1, -1]))
    assert (maps[0] == 0).all()
    assert maps[1] == pytest.approx(image)


def test_a_network_that_is_certain_has_the_same_map():
    """Of the probability itself the derivative would be 0 in float32."""
    image = np.random.default_rng(0).random((1, 2, 2, 3), np.float32)
    maps = []
    for bias in (0, 200):
        model = tiny_network(bias)
        weights = model.get_weights()
        weights[1][:] = 1
        model.set_weights(weights)
        maps.append(grad_cam(model, model.layers[0], [image], np.array([1]))[0])
    assert maps[0].max() > 0
    assert np.array_equal(*maps)


def functional_network():
    """A network with a branch, and a network within it, as pretrained ones are used."""
    inner_input = keras.Input((32, 32, 3))
    x = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(inner_input)
    x = layers.Add()([x, layers.Conv2D(4, 3, padding="same")(x)])
    inner = keras.Model(
        inner_input, layers.Activation("relu", name="inner_last")(x), name="backbone"
    )
    image = keras.Input((32, 32, 3))
    x = layers.GlobalAveragePooling2D()(inner(layers.Rescaling(1 / 255)(image)))
    return keras.Model(image, layers.Dense(1, activation="sigmoid")(x)), inner


def test_the_last_convolution_is_found_in_every_kind_of_network():
    assert last_convolution(seed_cnn(64)).name.startswith("conv2d")
    assert last_convolution(seed_cnn(64)).output.shape == (None, 29, 29, 64)
    model, inner = functional_network()
    assert last_convolution(model) is inner
    flat = keras.Model(inner.input, layers.Dense(1)(layers.GlobalAveragePooling2D()(inner.output)))
    assert last_convolution(flat).name == "inner_last"
    with pytest.raises(ValueError, match="has none with places"):
        last_convolution(
            keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(1)])
        )


def test_grad_cam_goes_through_networks_within_networks():
    """After a global average and one dense layer, Grad-CAM summed over the places is what the logit is made of."""
    keras.utils.set_random_seed(1)
    model, inner = functional_network()
    images = np.random.default_rng(0).uniform(0, 255, (5, 32, 32, 3)).astype(np.float32)
    probability = model.predict(images, verbose=0)[:, 0]
    features = inner.predict(images / 255, verbose=0)
    weights = model.layers[-1].get_weights()[0][:, 0]
    wanted = np.maximum(features @ weights / features[0, ..., 0].size, 0)
    maps, logits = grad_cam(model, inner, [images[:3], images[3:]], np.ones(5))
    assert maps == pytest.approx(wanted, abs=1e-5)
    assert 1 / (1 + np.exp(-logits)) == pytest.approx(probability, abs=1e-5)


def test_a_network_without_a_sigmoid_at_its_end_is_refused():
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(1)]
    )
    with pytest.raises(ValueError, match="ends in a sigmoid"):
        grad_cam(model, model.layers[0], [], np.ones(0))


def test_units_stand_in_the_middle_of_what_they_see():
    """Unit 0 of the original network's last convolution sees pixels 0 to 7, the next one is two pixels on."""
    model = seed_cnn(64)
    assert unit_places(model, last_convolution(model)) == [(3.5, 2.0), (3.5, 2.0)]
    functional, inner = functional_network()
    assert unit_places(functional, inner) == [(0.5, 2.0), (0.5, 2.0)]


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("at", [(20, 33), (44, 21), (30, 46)])
def test_a_dot_shows_in_the_map_where_it_is_in_the_image(padding, at):
    model = keras.Sequential(
        [
            keras.Input((64, 64, 3)),
            layers.Conv2D(1, 5, padding=padding, kernel_initializer="ones"),
            layers.AveragePooling2D(2),
            layers.Conv2D(1, 5, padding=padding, kernel_initializer="ones"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(1, activation="sigmoid", kernel_initializer="ones"),
        ]
    )
    image = np.zeros((1, 64, 64, 3), np.float32)
    image[0, at[0], at[1]] = 1
    layer = last_convolution(model)
    maps, _ = grad_cam(model, layer, [image], np.array([1]))
    whole = over_image(maps, unit_places(model, layer), 64)[0]
    centre = [(whole.sum(1 - axis) * np.arange(64)).sum() / whole.sum() for axis in (0, 1)]
    assert np.abs(np.array(centre) - at).max() < 1


@given(st.integers(1, 20), st.integers(8, 70), st.floats(0, 5), st.floats(1, 8))
def test_an_even_map_stays_even_over_the_image(units, size, first, step):
    over = over_image(np.full((1, units, units), 3, np.float32), [(first, step)] * 2, size)
    assert over == pytest.approx(np.full((1, size, size), 3), rel=1e-5)


def test_energy_is_the_share_of_the_sum_and_that_of_an_even_map_is_the_area():
    maps = np.zeros((4, 10, 10), np.float32)
    inside = np.zeros((4, 10, 10), np.float32)
    inside[:, 2:6, 2:7] = 1  # a fifth of the area
    maps[0, 3, 3], maps[0, 8, 8] = 3, 1
    maps[1] = 0.7
    inside[3] = 0
    maps[3] = 1
    assert energy_inside(maps, inside) == pytest.approx([0.75, 0.2, np.nan, np.nan], nan_ok=True)


def test_energy_in_others_is_that_of_the_same_map_under_other_patients_masks():
    rng = np.random.default_rng(0)
    maps, inside = rng.random((6, 8, 8)), (rng.random((6, 8, 8)) > 0.6).astype(float)
    inside[4] = 0  # of no known lesion
    patients = np.array(["a", "a", "b", "c", "c", "d"])
    wanted = [
        np.mean(
            [
                (maps[i] * inside[j]).sum() / maps[i].sum()
                for j in (0, 1, 2, 3, 5)
                if patients[j] != patients[i]
            ]
        )
        for i in range(6)
    ]
    assert energy_in_others(maps, inside, patients) == pytest.approx(wanted)
    assert np.isnan(energy_in_others(maps[:2], inside[:2], patients[:2])).all()


def film(seed=0, height=700, width=500):
    """A picture with texture, uint8."""
    return (
        (110 + 25 * phantom.texture(np.random.default_rng(seed), height, width))
        .clip(0, 255)
        .astype(np.uint8)
    )


def shares(left, top, width, height, extent=(500, 700)):
    return tuple(np.array([left, top, left + width, top + height]) / np.tile(extent, 2))


@pytest.mark.parametrize(
    ("left", "top", "width", "height"),
    [(101, 203, 120, 90), (0, 3, 77, 77), (440, 601, 60, 99), (203, 55, 250, 64)],
)
@pytest.mark.parametrize("kind", ["as it is", "jpeg", "noise and contrast"])
def test_a_crop_is_found_to_the_pixel(tmp_path, left, top, width, height, kind):
    full = film()
    save_image(tmp_path / "full.jpg", full, quality=95)
    crop = full[top : top + height, left : left + width]
    ending = "png" if kind == "as it is" else "jpg"
    if kind == "noise and contrast":
        crop = (
            (0.8 * crop + 20 + np.random.default_rng(1).normal(0, 1, crop.shape))
            .clip(0, 255)
            .astype(np.uint8)
        )
    save_image(tmp_path / f"crop.{ending}", crop, **({"quality": 90} if ending == "jpg" else {}))
    lesion = shares(
        left + width * 0.3, top + height * 0.5, width * 0.3, height * 0.4
    )  # not in the crop's middle
    box, correlation = find_crop(
        tmp_path / f"crop.{ending}", tmp_path / "full.jpg", lesion, (width, height), (500, 700)
    )
    assert np.array(box) * [500, 700, 500, 700] == pytest.approx(
        [left, top, left + width, top + height], abs=1
    )
    assert 0.8 < correlation <= 1 + 1e-9


def test_a_large_film_is_searched_at_reduced_scale(tmp_path):
    full = np.kron(film(3, 900, 600), np.ones((4, 4), np.uint8))
    save_image(tmp_path / "full.jpg", full, quality=90)
    save_image(tmp_path / "crop.jpg", full[1203 : 1203 + 420, 801 : 801 + 500], quality=90)
    lesion = tuple(np.array([901, 1303, 1201, 1503]) / np.tile([2400, 3600], 2))
    box, _ = find_crop(
        tmp_path / "crop.jpg", tmp_path / "full.jpg", lesion, (500, 420), (2400, 3600)
    )
    assert np.array(box[:2]) * [2400, 3600] == pytest.approx([801, 1203], abs=5)


@pytest.mark.parametrize(
    ("crop", "reason"),
    [
        (film(9)[100:200, 100:200], "not found on its full image"),
        (np.full((100, 100), 90, np.uint8), "not found on its full image"),
        (film()[:8, :8], "too small"),
        (film(4, 720, 520), "larger than its full image"),
    ],
)
def test_a_crop_of_another_film_or_of_nothing_is_not_found(tmp_path, crop, reason):
    save_image(tmp_path / "full.png", film())
    save_image(tmp_path / "crop.png", crop)
    with pytest.raises(ValueError, match=reason):
        find_crop(
            tmp_path / "crop.png",
            tmp_path / "full.png",
            shares(120, 120, 60, 60),
            crop.shape[::-1],
            (500, 700),
        )


def test_brightness_that_slopes_everywhere_is_no_match(tmp_path):
    """Two films with one slope correlate at 0.98, and nothing of the crop is on the other film."""
    slope = np.linspace(0, 160, 500)[None, :]
    for name, seed in (("full", 1), ("other", 2)):
        save_image(
            tmp_path / f"{name}.png", (slope + film(seed) / 20).clip(0, 255).astype(np.uint8)
        )
    crop = (slope + film(2) / 20).clip(0, 255).astype(np.uint8)[300:400, 200:300]
    save_image(tmp_path / "crop.png", crop)
    where = [shares(220, 320, 60, 60), (100, 100), (500, 700)]
    assert find_crop(tmp_path / "crop.png", tmp_path / "other.png", *where)[0][0] == pytest.approx(
        200 / 500
    )
    with pytest.raises(ValueError, match="not found"):
        find_crop(tmp_path / "crop.png", tmp_path / "full.png", *where)


def test_correlations_are_pearsons():
    rng = np.random.default_rng(0)
    wanted, window = rng.random((5, 7)), rng.random((9, 8))
    found = correlations(wanted, window)
    assert found.shape == (5, 2)
    for y, x in np.ndindex(found.shape):
        part = window[y : y + 5, x : x + 7]
        assert found[y, x] == pytest.approx(np.corrcoef(wanted.ravel(), part.ravel())[0, 1])


@pytest.fixture
def lesion(tmp_path):
    """A film with a bright lesion where its mask is white, its crop, and their rows: (folder, image of a region, lesion, extents)."""
    y, x = np.mgrid[0:700, 0:500]
    mask = ((x - 230) / 60) ** 2 + ((y - 330) / 35) ** 2 < 1
    full = np.where(mask, 220, film() // 3)
    save_image(tmp_path / "full.png", full.astype(np.uint8))
    save_image(tmp_path / "mask.png", (255 * mask).astype(np.uint8))
    save_image(tmp_path / "crop.png", full[250:400, 140:340].astype(np.uint8))
    extents = {"full.png": (500, 700), "mask.png": (500, 700), "crop.png": (200, 150)}
    row = pd.DataFrame(
        [
            {
                "image_id": "a",
                "crop_file": "crop.png",
                "mask_file": "mask.png",
                "full_file": "full.png",
            }
        ]
    )

    def image(region):
        file = "crop.png" if region == "crop" else "full.png"
        width, height = extents[file]
        return next(
            pd.DataFrame(
                [{"image_id": "a", "file": file, "width": width, "height": height}]
            ).itertuples()
        )

    return tmp_path, image, next(row.itertuples(index=False)), extents


@pytest.mark.parametrize("fit", ["stretch", "pad", "crop"])
@pytest.mark.parametrize("region", ["crop", "context", "full"])
def test_the_mask_lies_where_the_network_sees_the_lesion(lesion, region, fit):
    from mammo.dataset.images import context_box

    folder, image, row, extents = lesion
    image = image(region)
    shape = {"region": region, "fit": fit, "size": 64, "margin": 40, "margin_unit": "percent"}
    inside, correlation = seen_lesions(folder, image, [row], extents, shape)
    box = (
        context_box(mask_box(folder / "mask.png"), image, shape)
        if region == "context"
        else (0, 0, 1, 1)
    )
    bright = decode(folder / image.file, 64, fit, box) > 140
    assert bright.any()
    assert ((inside > 0.5) == bright).mean() > 0.995
    assert (correlation is not None) == (region == "crop")


def test_a_whole_image_has_the_union_of_its_lesions_masks(lesion):
    folder, image, row, extents = lesion
    second = np.zeros((350, 250), np.uint8)  # half as large as the film
    second[300:340, 20:60] = 1
    save_image(folder / "second.png", second)
    extents["second.png"] = (250, 350)
    settings = {"region": "full", "fit": "stretch", "size": 100}
    both, _ = seen_lesions(
        folder, image("full"), [row, row._replace(mask_file="second.png")], extents, settings
    )
    one, _ = seen_lesions(folder, image("full"), [row], extents, settings)
    assert both.mean() == pytest.approx(one.mean() + 40 * 40 / (250 * 350), abs=1e-5)
    with pytest.raises(ValueError, match="no mask of one of 2 lesions"):
        seen_lesions(folder, image("full"), [row, row._replace(mask_file="")], extents, settings)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"mask_file": ""}, "no mask"),
        ({"mask_file": "broken.png"}, "no mask"),  # what cannot be read is in no extents
        ({"full_file": ""}, "no full image"),
        ({"mask_file": "crop.png"}, "another shape"),
        ({"mask_file": "black.png"}, "nothing is white"),
    ],
)
def test_an_outline_that_cannot_be_told_has_a_reason(lesion, change, reason):
    folder, image, row, extents = lesion
    save_image(folder / "black.png", np.zeros((700, 500), np.uint8))
    extents["black.png"] = (500, 700)
    out = np.zeros((2, 64, 64), np.uint8)
    images = pd.DataFrame([image("crop")] * 2)
    settings = {"region": "crop", "fit": "stretch", "size": 64}
    told = outlines(folder, images, [[row], [row._replace(**change)]], extents, settings, 2, out)
    assert told["reason"].iloc[0] == ""
    assert reason in told["reason"].iloc[1]
    assert out[0].max() == 255
    assert (out[1] == 0).all()


def test_a_lesion_that_the_network_does_not_see_has_no_outline(lesion):
    folder, image, row, extents = lesion
    corner = np.zeros((700, 500), np.uint8)
    corner[:40, :40] = 255
    save_image(folder / "mask.png", corner)
    with pytest.raises(ValueError, match="outside of what the network sees"):
        seen_lesions(
            folder, image("full"), [row], extents, {"region": "full", "fit": "crop", "size": 64}
        )


def test_a_mask_of_zeros_and_ones_counts_parts_of_pixels(tmp_path):
    mask = np.zeros((100, 100), np.uint8)
    mask[:25, :] = 1
    save_image(tmp_path / "mask.png", mask)
    inside = mask_inside(tmp_path / "mask.png", 10, "stretch", (0, 0, 1, 1))
    assert inside[:, 0] == pytest.approx([1, 1, 0.5, 0, 0, 0, 0, 0, 0, 0])


def test_lesions_belong_to_their_image():
    lesions = pd.DataFrame({"image_id": ["a", "b", "c"], "full_file": ["f", "f", "g"]})
    crops = pd.DataFrame({"image_id": ["c", "a"], "file": ["x", "y"]})
    assert [[row.image_id for row in rows] for rows in lesions_of(crops, lesions, "crop")] == [
        ["c"],
        ["a"],
    ]
    films = pd.DataFrame({"image_id": ["g", "f"], "file": ["g", "f"]})
    assert [[row.image_id for row in rows] for rows in lesions_of(films, lesions, "full")] == [
        ["c"],
        ["a", "b"],
    ]


def test_a_map_that_is_zero_has_a_chance_but_no_energy():
    maps, masks = np.zeros((3, 64, 64), np.uint8), np.zeros((3, 64, 64), np.uint8)
    maps[1:] = 255
    masks[:, :16] = 255
    masks[2] = 0
    table = energies(maps, masks, np.array(["a", "b", "c"]), np.array(["", "", "no mask"]))
    assert table["energy_inside"].tolist() == pytest.approx([np.nan, 0.25, np.nan], nan_ok=True)
    assert table["chance"].tolist() == pytest.approx([0.25, 0.25, np.nan], nan_ok=True)
    assert table["reason"].str[:16].tolist() == ["Grad-CAM is zero", "", "no mask"]


def explained(n=60, outcomes=None, **changes):
    """Rows as of gradcam.csv, two a patient, with energies that lie 0.2 above chance on average."""
    rng = np.random.default_rng(0)
    probability = rng.random(n).round(3)
    label = rng.integers(0, 2, n) if outcomes is None else np.full(n, outcomes)
    call = {
        (1, 1): "true_positive",
        (1, 0): "false_negative",
        (0, 1): "false_positive",
        (0, 0): "true_negative",
    }
    rows = pd.DataFrame({"image_id": [f"i{k}" for k in range(n)], "patient_id": [f"p{k // 2}" for k in range(n)],
                         "label": label, "probability": probability, "row": range(n)})  # fmt: skip
    rows["outcome"] = [
        call[pair] for pair in zip(label, (probability >= 0.5).astype(int), strict=True)
    ]
    rows["chance"] = rng.uniform(0.2, 0.4, n)
    rows["energy_inside"] = rows["chance"] + 0.2 + rng.normal(0, 0.1, n)
    rows["energy_in_others"] = rows["chance"] + 0.1
    run = {
        "experiment": "baseline",
        "fold": 0,
        "seed": 1,
        "reason": "",
        "dataset": "d",
        "leaks": "",
    }
    return rows.assign(**run, crop_correlation=None).assign(**changes)


def test_the_energys_mean_and_interval_are_those_of_a_bootstrap_over_patients():
    rows = explained()
    table = measure_energy(rows, Evaluation.default(draws=4000)).set_index(["group", "measure"])
    found = table.loc[("all", "above_chance")]
    difference = (rows["energy_inside"] - rows["chance"]).to_numpy()
    assert found["value"] == pytest.approx(difference.mean())
    by_patient = difference.reshape(-1, 2).mean(axis=1)
    half = 2.045 * by_patient.std(ddof=1) / np.sqrt(30)  # Student's t of 29 degrees of freedom
    assert (found["low"], found["high"]) == pytest.approx(
        (found["value"] - half, found["value"] + half), abs=0.006
    )
    assert (found["n"], found["patients"]) == (60, 30)
    share = table.loc[("all", "share_above_chance"), "value"]
    assert share == pytest.approx((difference > 0).mean())
    wrong = rows[rows["outcome"].isin(["false_negative", "false_positive"])]
    assert table.loc[("wrong", "energy_inside"), "value"] == pytest.approx(
        wrong["energy_inside"].mean()
    )
    assert table.loc[("wrong", "energy_inside"), "n"] == len(wrong)


def test_what_is_not_known_of_the_energy_has_a_reason(tmp_path):
    no_masks = explained(
        energy_inside=np.nan, chance=np.nan, energy_in_others=np.nan, reason="no mask"
    )
    right = explained()
    right = right[right["outcome"].isin(["true_positive", "true_negative"])]
    one = explained(1, energy_in_others=np.nan)
    for rows, group, measure, reason in [
        (no_masks, "all", "energy_inside", "no image has both a map and a mask: no mask"),
        (right, "wrong", "energy_inside", "there is no such image"),
        (one, "all", "energy_inside", "no interval: 1 patients, at least 10 needed"),
        (one, "all", "energy_in_others", "no other patient's image has a mask"),
    ]:
        run = rows[["experiment", "fold", "seed", "dataset", "leaks"]].iloc[0]
        table = measure_energy(rows, EVALUATION).assign(**run)
        write_table(table, tmp_path / "t.csv", "gradcam_energy")
        back = read_table(tmp_path / "t.csv", "gradcam_energy").set_index(["group", "measure"])
        assert back.loc[(group, measure), "reason"] == reason
        assert np.isnan(back.loc[(group, measure), "low"])


def test_the_gallery_begins_with_the_most_confident_mistakes():
    rows = explained(200)
    shown = shown_rows(rows)
    assert list(dict.fromkeys(shown["outcome"])) == [
        "false_negative",
        "false_positive",
        "true_positive",
        "true_negative",
    ]
    for outcome, part in shown.groupby("outcome"):
        sure = (part["probability"] - 0.5).abs().to_numpy()
        assert len(part) == COLUMNS
        assert (np.diff(sure) <= 0).all()
        others = rows[(rows["outcome"] == outcome) & ~rows["image_id"].isin(part["image_id"])]
        assert (others["probability"] - 0.5).abs().max() <= sure.min()


def drawn(rows, folder, size=64):
    """The gallery of rows as of gradcam.csv, with drawn images, and the energy's table as it is read back."""
    rng = np.random.default_rng(0)
    shown = shown_rows(rows)
    images, maps, masks = (
        rng.integers(0, 255, (len(shown), size, size), np.uint8) for _ in range(3)
    )
    y, x = np.mgrid[0:size, 0:size] / size - 0.5
    masks[:] = 255 * (np.hypot(y, x) < 0.3)
    run = rows[["experiment", "fold", "seed", "dataset", "leaks"]].iloc[0]
    write_table(
        measure_energy(rows, EVALUATION).assign(**run), folder / "energy.csv", "gradcam_energy"
    )
    table = read_table(folder / "energy.csv", "gradcam_energy")
    return draw_gallery(shown, images, maps, masks, table, "phantom"), table


def words_of(figure):
    return [text.get_text() for text in figure.texts]


@pytest.mark.parametrize("size", [16, 64, 300])
def test_the_gallery_draws_tiles_of_any_size(tmp_path, size):
    figure, table = drawn(explained(200), tmp_path, size)
    marked(figure, table).savefig(tmp_path / "g.svg")
    assert (tmp_path / "g.svg").stat().st_size < 6e6  # of noise; of real pictures a quarter
    assert len(figure.axes) == 1 + len(SECTIONS)


def test_the_gallery_and_the_figure_say_what_there_is_not(tmp_path):
    no_masks = explained(
        40, 1, energy_inside=np.nan, chance=np.nan, energy_in_others=np.nan, reason="no mask"
    )
    never_wrong = explained(40)
    never_wrong = never_wrong[never_wrong["outcome"].isin(["true_positive", "true_negative"])]
    for name, rows, said in [
        (
            "masks",
            no_masks,
            "The proportion inside the outlines is not known: no image has both a map and a mask",
        ),
        ("mistakes", never_wrong, "none"),
        ("one", explained(1, energy_in_others=np.nan), "none"),
    ]:
        figure, table = drawn(rows, tmp_path)
        assert any(said in words for words in words_of(figure)), name
        marked(figure, table).savefig(tmp_path / f"{name}.png")
        marked(FIGURES["gradcam_energy"].draw(table, "phantom"), table).savefig(
            tmp_path / f"{name}-energy.png"
        )


def test_names_are_shown_as_text_and_shortened(tmp_path):
    rows = explained(3)
    rows["image_id"] = ["<script>alert(1)</script>", "$x^2$ {b}", "a/" * 100]
    figure, _ = drawn(rows, tmp_path)
    figure.savefig(tmp_path / "g.svg")
    assert "<script" not in (tmp_path / "g.svg").read_text()
    assert any("<script>" in words for words in words_of(figure))
    assert (
        max(len(line) for words in words_of(figure) for line in words.split("\n") if "a/a/" in line)
        <= 23
    )


def test_the_phantoms_run_is_explained(study):
    """Maps and masks of every test image, their energies as the arrays give them, and masks where the phantom drew them."""
    from PIL import Image

    results = study / "results"
    rows = read_table(results / "runs/baseline/gradcam.csv", "gradcam")
    predictions = read_table(results / "runs/baseline/fold0-seed1/predictions.csv", "predictions")
    test = predictions[predictions["partition"] == "test"]
    assert sorted(rows["image_id"]) == sorted(test["image_id"])
    assert (rows["reason"] == "").mean() > 0.9  # two epochs may leave a map that is zero
    maps, masks = (
        np.load(results / f"runs/baseline/{name}.npy", mmap_mode="r")
        for name in ("gradcam", "masks")
    )
    assert maps.shape == masks.shape == (len(rows), 64, 64)
    assert maps.dtype == masks.dtype == np.uint8
    known = rows[rows["energy_inside"].notna()]
    assert known["energy_inside"].between(0, 1).all()
    found = energy_inside(
        maps[known["row"]].astype(np.float32), masks[known["row"]] / np.float32(255)
    )
    assert found == pytest.approx(known["energy_inside"].to_numpy(), abs=1e-3)
    lesions = read_table(results / "inventory/lesions.csv", "lesions").set_index("image_id")
    for row in rows.itertuples():
        mask = np.asarray(Image.open(results / "phantom" / lesions.loc[row.image_id, "mask_file"]))
        top, left, side = phantom.crop_window(mask)
        assert row.chance == pytest.approx(
            (mask[top : top + side, left : left + side] > 127).mean(), abs=0.01
        )
    assert (rows["crop_correlation"] > 0.95).all()
    shown = read_table(results / "plots/gradcam.csv", "gradcam")
    assert shown["image_id"].tolist() == shown_rows(rows)["image_id"].tolist()
    energy = read_table(results / "plots/gradcam_energy.csv", "gradcam_energy").set_index(
        ["group", "measure"]
    )
    assert energy.loc[("all", "energy_inside"), "value"] == pytest.approx(
        known["energy_inside"].mean()
    )


def test_a_model_that_is_not_the_predictions_own_is_refused(study, tmp_path):
    results = study / "results"
    run, tensors = results / "runs/baseline/fold0-seed1", results / "tensors/crop-64"
    predictions = read_table(run / "predictions.csv", "predictions")
    other = tmp_path / "runs/baseline/fold0-seed1"
    other.mkdir(parents=True)
    write_table(
        predictions.assign(probability=predictions["probability"] / 2),
        other / "predictions.csv",
        "predictions",
    )

    class Named(dict):
        __getattr__ = dict.__getitem__

    inputs = Named(model=run / "model.keras", predictions=other / "predictions.csv", index=tensors / "index.csv",
                   pixels=[tensors / "shard-1of1/pixels.npy"], images=results / "regions/crop/images.csv",
                   lesions=results / "inventory/lesions.csv", files=results / "inventory/files.csv")  # fmt: skip
    output = Named(
        maps=other / "gradcam.npy", masks=other / "masks.npy", table=other / "gradcam.csv"
    )
    params = Named(path=results / "phantom", image={"region": "crop", "fit": "stretch", "size": 64},
                   training={"threads": 2, "batch_size": 64}, augmentation={"test_views": 1} | dict.fromkeys(["rotation", "shift", "shear", "zoom", "horizontal_flip"], 0))  # fmt: skip
    with pytest.raises(InputError, match="they are of different runs"):
        main(inputs, output, params, 2)
