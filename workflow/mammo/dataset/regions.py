"""The images of a region: which file each is in, and what it shows; and the lesions that have none."""

import numpy as np
import pandas as pd

from mammo.log import InputError, some

# A mask need not be as large as its full image, but it must show the same part of the world.
SHAPES_DIFFER = 0.05


def list_images(lesions, files, excluded, region):
    """(images, excluded), both DataFrames, for the settings of a region.

    `crop`: the published crop of each lesion in a view. `context`: its full image, and the mask that tells where it is.
    `full`: each full image once, with the lesions on it; it is malignant if any of them is, or left out where they are mixed.
    A lesion that cannot be shown so is left out with the reason. Raises InputError where none is left.
    """
    lost = excluded.loc[excluded["region"].isin(["", region["region"]]), "image_id"]
    lesions = lesions[~lesions["image_id"].isin(lost)]
    films = lesions[lesions["full_file"] != ""].groupby("full_file")["patient_id"]
    if len(shared := films.nunique().loc[lambda n: n > 1]):
        raise InputError(
            f"Full images that the dataset gives to more than one patient: {some(shared.index)}. Correct the patient or the file in its tables."
        )
    files = files.set_index("file")
    problems = files["problem"].to_dict()
    reasons = pd.Series("", lesions.index)

    def leave_out(where, reason):
        return reasons.mask(where & (reasons == ""), reason)

    role = "crop" if region["region"] == "crop" else "full"
    for needed in [role, *(["mask"] if region["region"] == "context" else [])]:
        reasons = leave_out(
            lesions[f"{needed}_file"] == "", {"full": "no_full_image"}.get(needed, f"no_{needed}")
        )
        problem = pd.Series(
            [
                problems.get(file, "missing_file") if file else ""
                for file in lesions[f"{needed}_file"]
            ],
            lesions.index,
            str,
        )
        reasons = leave_out(problem != "", problem if needed == "crop" else needed + "_" + problem)
    images = lesions.assign(file=lesions[f"{role}_file"])
    for column in ("width", "height", "spacing_mm"):
        images[column] = images["file"].map(files[column])
    if region["region"] == "context":
        mask = [lesions["mask_file"].map(files[side]).astype(float) for side in ("width", "height")]
        stretch = np.log(
            mask[0] / mask[1] * images["height"].astype(float) / images["width"].astype(float)
        )
        reasons = leave_out(stretch.abs() > SHAPES_DIFFER, "mask_of_another_shape")
        if region["margin_unit"] == "mm":
            reasons = leave_out(images["spacing_mm"].isna(), "no_spacing")
    else:
        images["mask_file"] = ""
    if region["region"] == "full":
        images = images[reasons == ""]
        classes = images.groupby("file")["label"].transform("nunique")
        mixed = classes.gt(1).reindex(lesions.index, fill_value=False)
        print(
            f"{images.loc[mixed, 'file'].nunique()} full images hold lesions of both classes: {region['mixed']}"
        )
        if region["mixed"] == "leave_out":
            reasons = leave_out(mixed, "mixed_classes")
        images = whole_images(images[~mixed[images.index] | (region["mixed"] == "malignant")])
    else:
        images = images[reasons == ""]
    if images.empty:
        told = ", ".join(
            f"{reason} ({n})"
            for reason, n in pd.concat([excluded["reason"], reasons[reasons != ""]])
            .value_counts()
            .items()
        )
        raise InputError(
            f"image.region {region['region']}: not one of the dataset's lesions can be shown so: {told or 'it has none'}. "
            "See results/inventory/summary.md for what was found; check dataset.path, or choose another image.region."
        )
    out = lesions.assign(reason=reasons, detail=lesions["source"] + ": " + lesions[f"{role}_file"])
    return images, out.loc[reasons != "", ["image_id", "patient_id", "reason", "detail"]]


def whole_images(lesions):
    """A row per full image from the rows of its lesions, which have it as `file`, in the order in which they come.

    image_id is <kind>_<patient>_<side>_<view> where this names one file, else the file's path.
    """
    groups = lesions.groupby("file", sort=False)
    images = groups.first()
    several = lesions[lesions.duplicated("file", keep=False)].groupby("file")
    images["lesion_id"] = (
        several["lesion_id"]
        .agg(lambda ids: ";".join(dict.fromkeys(ids)))
        .reindex(images.index)
        .fillna(images["lesion_id"])
    )
    images["kind"] = (
        several["kind"]
        .agg(lambda kinds: ";".join(sorted(set(filter(None, kinds)))))
        .reindex(images.index)
        .fillna(images["kind"])
    )
    images["label"] = np.where(
        (lesions["label"] == "malignant").groupby(lesions["file"]).any()[images.index],
        "malignant",
        "benign",
    )
    test = (lesions["official_partition"] == "test").groupby(lesions["file"]).any()[images.index]
    images["official_partition"] = images["official_partition"].mask(test, "test")
    parts = [images["kind"], images["patient_id"], images["laterality"].str.upper(), images["view"]]
    names = parts[0].str.cat(parts[1:], sep="_")
    unnamed = names.duplicated(keep=False) | np.logical_or.reduce([part == "" for part in parts])
    return images.assign(image_id=names.mask(unnamed, images.index.to_series())).reset_index()
