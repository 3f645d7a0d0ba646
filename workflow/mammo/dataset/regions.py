"""The images of a region: the file of each and what it shows; and the lesions that have none."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mammo.dataset.settings import Image
from mammo.log import InputError, some

# A mask need not be as large as its whole image, but must have the same proportions: the most by
# which the logarithms of width / height may differ.
SHAPES_DIFFER = 0.05
NEEDED = {"crop": ["crop"], "context": ["full", "mask"], "full": ["full"]}  # the image's file first
MISSING = {"crop": "no_crop", "mask": "no_mask", "full": "no_full_image"}


def list_images(
    lesions: pd.DataFrame, files: pd.DataFrame, excluded: pd.DataFrame, image: Image
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(images, excluded) for what an image is to show.

    - `crop`: the published ROI crop of each lesion in a view. Where rows of one's own table name
      one file for several lesions, each of them has this image, under the rule of `full`.
    - `context`: its whole image, and the mask that says where it is.
    - `full`: each whole image once, with the lesions on it. It is malignant if any of them is; with
      lesions of both classes it may be excluded instead.

    A lesion that cannot be shown so is excluded with the reason. Raises InputError where none is
    left.
    """
    lost = excluded.loc[excluded["region"].isin(["", image.region]), "image_id"]
    lesions = lesions[~lesions["image_id"].isin(lost)]
    _refuse_shared_images(lesions)
    files = files.set_index("file")
    problems = files["problem"].to_dict()
    codes = pd.Series("", lesions.index)  # why each lesion is excluded; '' where it is not
    for role in NEEDED[image.region]:
        codes = _without_file(codes, lesions[f"{role}_file"], role, problems)
    shown = lesions[f"{NEEDED[image.region][0]}_file"]
    images = lesions.assign(file=shown)
    for column in ("width", "height", "spacing_mm"):
        images[column] = shown.map(files[column])
    if image.region == "context":
        codes = _without_context(codes, images, files, image)
    else:
        images["mask_file"] = ""
    images = images[codes == ""]
    if image.region != "context":  # where each lesion has a part of the image of its own
        mixed = images.groupby("file")["label"].transform("nunique") > 1
        if image.region == "full" or mixed.any():
            print(
                f"{images.loc[mixed, 'file'].nunique()} whole images hold lesions of both classes:"
                f" {image.mixed}"
            )
        if image.mixed == "leave_out":
            everywhere = mixed.reindex(lesions.index, fill_value=False)
            codes = _excluding(codes, everywhere, "mixed_classes")
            images = images[~mixed]
        elif mixed.any():
            images = images.assign(label=images["label"].mask(mixed, "malignant"))
    if image.region == "full":
        images = whole_images(images)
    if images.empty:
        counts = pd.concat([excluded["reason"], codes[codes != ""]]).value_counts()
        named = ", ".join(f"{reason} ({number})" for reason, number in counts.items())
        raise InputError(
            f"image.region {image.region}: not one of the dataset's lesions can be shown so:"
            f" {named or 'it has none'}. See results/inventory/summary.md for what was found; check"
            " dataset.path, or choose another image.region."
        )
    out = lesions.assign(reason=codes, detail=lesions["source"] + ": " + shown)
    return images, out.loc[codes != "", ["image_id", "patient_id", "reason", "detail"]]


def _refuse_shared_images(lesions: pd.DataFrame) -> None:
    patients = lesions[lesions["full_file"] != ""].groupby("full_file")["patient_id"].nunique()
    shared = patients.index[patients > 1]
    if len(shared):
        raise InputError(
            f"Whole images that the dataset gives to more than one patient: {some(shared)}."
            " Correct the patient or the file in its tables."
        )


def _excluding(codes: pd.Series, where: pd.Series, reason: str | pd.Series) -> pd.Series:
    """The codes with a reason for the lesions `where`, unless they have one already."""
    return codes.mask(where & (codes == ""), reason)


def _without_file(
    codes: pd.Series, names: pd.Series, role: str, problems: Mapping[str, str]
) -> pd.Series:
    """The codes, with those of lesions that have no file of a role, or one with a problem."""
    codes = _excluding(codes, names == "", MISSING[role])
    found = [problems.get(name, "missing_file") if name else "" for name in names]
    problem = pd.Series(found, names.index, str)
    return _excluding(codes, problem != "", problem if role == "crop" else f"{role}_" + problem)


def _without_context(
    codes: pd.Series, images: pd.DataFrame, files: pd.DataFrame, image: Image
) -> pd.Series:
    """The codes, with those of lesions whose mask has another shape, or pixels no known size."""
    masks = images["mask_file"]
    proportions = masks.map(files["width"]).astype(float) / masks.map(files["height"]).astype(float)
    whole_width, whole_height = images["width"].astype(float), images["height"].astype(float)
    stretch = np.log(proportions * whole_height / whole_width)
    codes = _excluding(codes, stretch.abs() > SHAPES_DIFFER, "mask_of_another_shape")
    if image.margin_unit == "mm":
        codes = _excluding(codes, images["spacing_mm"].isna(), "no_spacing")
    return codes


def whole_images(lesions: pd.DataFrame) -> pd.DataFrame:
    """A row per whole image from the rows of its lesions, which have it as `file`, in their order.

    image_id is <kind>_<patient>_<side>_<view> where this names one file, else the file's path.
    """
    images = lesions.groupby("file", sort=False).first()
    # Joining texts is slow in pandas: only where there is more than one.
    several = lesions[lesions.duplicated("file", keep=False)].groupby("file")
    for column, joined in {"lesion_id": _in_order, "kind": _sorted_kinds}.items():
        images[column] = several[column].agg(joined).reindex(images.index).fillna(images[column])
    malignant = _any_on_image(lesions["label"] == "malignant", lesions["file"], images.index)
    images["label"] = np.where(malignant, "malignant", "benign")
    for partition in ("validation", "test"):  # what holds any lesion of test is test
        here = lesions["official_partition"] == partition
        held = _any_on_image(here, lesions["file"], images.index)
        images["official_partition"] = images["official_partition"].mask(held, partition)
    parts = [images["kind"], images["patient_id"], images["laterality"].str.upper(), images["view"]]
    names = parts[0].str.cat(parts[1:], sep="_")
    unnamed = names.duplicated(keep=False) | np.logical_or.reduce([part == "" for part in parts])
    return images.assign(image_id=names.mask(unnamed, images.index.to_series())).reset_index()


def _in_order(names: pd.Series) -> str:
    return ";".join(dict.fromkeys(names))


def _sorted_kinds(kinds: pd.Series) -> str:
    return ";".join(sorted(set(filter(None, kinds))))


def _any_on_image(marked: pd.Series, file: pd.Series, images: pd.Index) -> pd.Series:
    """Whether any lesion on each image is marked."""
    return marked.groupby(file).any()[images]
