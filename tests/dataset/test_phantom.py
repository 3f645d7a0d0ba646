"""The synthetic dataset: the same bytes from the same seed, images that agree, planted traps."""

import hashlib

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pydantic import ValidationError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mammo.dataset.inventory import take_inventory
from mammo.dataset.phantom import drawing as phantom
from mammo.dataset.phantom.build import build
from mammo.dataset.settings import Dataset, Phantom
from mammo.tables import left_in

SMALLEST = Phantom.default(patients=24)


def digest(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def smallest(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantom")
    build(folder, SMALLEST, 1)
    return folder


@pytest.fixture(scope="module")
def default(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantom150")
    build(folder, Phantom.default(), 2)
    return folder


def read(folder, name):
    return pd.read_csv(folder / name, dtype=str, keep_default_na=False)


def planted(folder, trap):
    table = read(folder, "planted.csv")
    return table[table["trap"] == trap]


def inventory(folder):
    dataset = Dataset.default(path=str(folder))
    files, lesions, excluded, _ = take_inventory(dataset, 1)
    return files, lesions.set_index("image_id", drop=False), excluded


def case_rows(folder):
    tables = [
        read(folder, f"csv/{kind}_case_description_{part}_set.csv").assign(kind=kind, part=part)
        for kind in ("mass", "calc")
        for part in ("train", "test")
    ]
    tables = [table.rename(columns={"breast density": "breast_density"}) for table in tables]
    return pd.concat(tables, ignore_index=True)


def test_the_same_seed_gives_the_same_bytes_whatever_the_number_of_workers(smallest, tmp_path):
    build(tmp_path / "again", SMALLEST, 2)
    assert digest(tmp_path / "again") == digest(smallest)
    build(tmp_path / "other", Phantom.default(patients=24, seed=2), 1)
    assert not set(digest(tmp_path / "other").values()) & {
        h for name, h in digest(smallest).items() if name.startswith("jpeg")
    }


def test_the_tables_have_the_published_columns(default):
    mass, calc = (
        list(read(default, f"csv/{kind}_case_description_train_set.csv"))
        for kind in ("mass", "calc")
    )
    common = [
        "patient_id",
        "left or right breast",
        "image view",
        "abnormality id",
        "abnormality type",
        "assessment",
        "pathology",
        "subtlety",
        "image file path",
        "cropped image file path",
        "ROI mask file path",
    ]
    assert set(mass) == {*common, "breast_density", "mass shape", "mass margins"}
    assert set(calc) == {*common, "breast density", "calc type", "calc distribution"}
    assert len(list(read(default, "csv/dicom_info.csv"))) == 38
    assert len(read(default, "csv/meta.csv")) == len(list((default / "jpeg").iterdir()))


def test_it_is_about_the_size_that_is_promised(default):
    rows = case_rows(default)
    assert rows["patient_id"].nunique() == 150
    assert 650 <= len(rows) <= 750
    assert 0.4 < (rows["pathology"] == "MALIGNANT").mean() < 0.5
    assert set(rows["pathology"]) == {"BENIGN", "BENIGN_WITHOUT_CALLBACK", "MALIGNANT"}
    assert 0.15 < (rows["part"] == "test").mean() < 0.25
    assert set(rows["image view"]) == {"CC", "MLO"}
    names = [path.name for path in (default / "jpeg").rglob("*.jpg")]
    assert len(set(names)) < len(names)  # names repeat across folders


def test_crop_mask_and_full_image_agree(smallest):
    _, lesions, excluded = inventory(smallest)
    truncated = set(planted(smallest, "truncated_jpeg")["image_id"])
    for lesion in left_in(lesions, excluded).itertuples():
        if lesion.image_id in truncated:
            continue
        full, crop, mask = (
            np.asarray(Image.open(smallest / file), float)
            for file in (lesion.full_file, lesion.crop_file, lesion.mask_file)
        )
        assert mask.shape == full.shape
        assert np.mean((mask < 16) | (mask > 239)) > 0.98
        assert np.mean(mask < 16) > 0.8
        top, left, side = phantom.crop_window(mask)
        cut = full[top : top + side, left : left + side]
        assert crop.shape == cut.shape == (side, side)
        assert np.abs(cut - crop).mean() < 3  # but for what JPEG loses


TRAPS = {
    "crop_first",
    "mask_first",
    "separate_folders",
    "swapped_pair",
    "missing_series",
    "truncated_jpeg",
    "newline_in_path",
    "scan_listed_twice",
    "patient_in_both_partitions",
    "missing_description",
    "full_image_with_both_classes",
    "label_differs_between_views",
    "drawn_like_other_class",
}


@pytest.mark.parametrize("edition", ["smallest", "default"])
def test_every_trap_is_planted(edition, request):
    assert set(read(request.getfixturevalue(edition), "planted.csv")["trap"]) == TRAPS


def test_planted_traps_are_really_there(default):
    files, lesions, excluded = inventory(default)
    rows, info = case_rows(default), read(default, "csv/dicom_info.csv")
    described = dict(
        zip(
            info["image_path"].str.removeprefix("CBIS-DDSM/"),
            info["SeriesDescription"],
            strict=True,
        )
    )

    for trap, position in [("crop_first", 0), ("mask_first", 1)]:
        for file in planted(default, trap)["file"]:
            folder = default / file
            assert (
                sorted(path.name for path in folder.parent.iterdir()).index(folder.name) == position
            )
            assert described[file] == "cropped images"
    for file in planted(default, "separate_folders")["file"]:
        assert len(list((default / file).parent.iterdir())) == 1

    for trap in planted(default, "swapped_pair").itertuples():
        lesion = lesions.loc[trap.image_id]
        assert lesion["crop_file"] == trap.file
        assert any(trap.file.split("/")[1] in path for path in rows["ROI mask file path"])
        assert not any(trap.file.split("/")[1] in path for path in rows["cropped image file path"])

    assert excluded[["image_id", "reason"]].to_numpy().tolist() == [
        [planted(default, "missing_series")["image_id"].item(), "missing_series"]
    ]
    with (
        pytest.raises(OSError, match="truncated"),
        Image.open(default / planted(default, "truncated_jpeg")["file"].item()) as image,
    ):
        image.load()

    paths = rows[["image file path", "cropped image file path", "ROI mask file path"]]
    assert (paths.apply(lambda row: sum("\n" in path for path in row), axis=1) == 1).all()

    both = rows.groupby("patient_id")["part"].nunique()
    assert {
        detail.split(":")[0] for detail in planted(default, "patient_in_both_partitions")["detail"]
    } == set(both[both > 1].index)

    for image_id in planted(default, "scan_listed_twice")["image_id"]:
        lesion = lesions.loc[image_id]
        same = lesions[
            (lesions["patient_id"] == lesion["patient_id"])
            & (lesions["laterality"] == lesion["laterality"])
            & (lesions["view"] == lesion["view"])
        ]
        fulls = same["full_file"].unique()
        assert len(fulls) == 2
        one, two = (np.asarray(Image.open(default / file), float) for file in fulls)
        assert 0 < np.abs(one - two).mean() < 3

    undescribed = {file for file, description in described.items() if not description}
    assert set(planted(default, "missing_description")["file"]) == undescribed
    assert set(files.set_index("file").loc[sorted(undescribed), "role_from"]) == {"bits", "table"}

    for image_id in planted(default, "full_image_with_both_classes")["image_id"]:
        assert (
            lesions[lesions["full_file"] == lesions.loc[image_id, "full_file"]]["label"].nunique()
            == 2
        )
    labels = lesions.groupby("lesion_id")["label"].nunique()
    names = lesions.loc[planted(default, "label_differs_between_views")["image_id"], "lesion_id"]
    assert set(labels[labels > 1].index) == set(names)


def test_the_known_share_of_lesions_is_drawn_like_the_other_class(default, tmp_path):
    _, lesions, _ = inventory(default)
    lookalike = lesions["image_id"].isin(planted(default, "drawn_like_other_class")["image_id"])
    by_class = lookalike.groupby([lesions["label"], lesions["official_partition"]]).mean()
    assert lookalike.mean() == pytest.approx(0.1, abs=0.02)
    assert by_class.to_numpy() == pytest.approx(
        0.1, abs=0.06
    )  # lesions come whole, with one view or two
    # The rule that no reader of the pixels can beat, and its AUROC.
    seen = (lesions["label"] == "malignant") != lookalike
    assert roc_auc_score(lesions["label"] == "malignant", seen) == pytest.approx(0.9, abs=0.03)
    # What the reader writes of the shape follows the drawing, not the label.
    spiculated = lesions["mass_margins"].isin(["SPICULATED", "ILL_DEFINED"]) | lesions[
        "calc_distribution"
    ].isin(["CLUSTERED", "LINEAR"])
    assert (spiculated == seen).all()


def test_simple_statistics_do_not_give_the_label_away(default):
    _, lesions, excluded = inventory(default)
    truncated = planted(default, "truncated_jpeg")["image_id"]
    lesions = left_in(lesions, excluded, truncated.to_frame())
    rows = []
    for lesion in lesions.itertuples():
        crop, mask = (
            np.asarray(Image.open(default / file), float)
            for file in (lesion.crop_file, lesion.mask_file)
        )
        rows.append(
            [
                len(crop),
                crop.mean(),
                crop.std(),
                (default / lesion.crop_file).stat().st_size,
                (mask > 127).sum(),
            ]
        )
    label = (lesions["label"] == "malignant").to_numpy()
    model = make_pipeline(StandardScaler(), LogisticRegression())
    guess = cross_val_predict(
        model, rows, label, groups=lesions["patient_id"], cv=GroupKFold(5), method="predict_proba"
    )[:, 1]
    assert (
        roc_auc_score(label, guess) < 0.72
    )  # the shapes give 0.9; spicules cost JPEG a few bytes more


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"patients": 23}, "patients\n.*greater than or equal to 24"),
        ({"lookalikes": 0.6}, "lookalikes\n.*less than or equal to 0.5"),
    ],
)
def test_impossible_phantoms_are_refused(change, wanted):
    with pytest.raises(ValidationError, match=wanted):
        Phantom.default(**change)
