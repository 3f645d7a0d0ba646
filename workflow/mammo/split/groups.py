"""Which images show the same, from the pairs of files that are duplicates: for the split, which keeps them together or drops
them, and for its audit, which looks whether it did."""

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

# Of the images, how many may have a near-equal one of another patient before nearness is taken to tell nothing about them.
MOST_ALIKE = 0.25


def groups_of_files(duplicates):
    """A Series from file to the number of its group: files that pairs of duplicates connect, at whatever distance."""
    files = pd.unique(duplicates[["file_a", "file_b"]].to_numpy().ravel())
    place = pd.Series(np.arange(len(files)), files)
    pairs = (
        np.ones(len(duplicates)),
        (place[duplicates["file_a"]].to_numpy(), place[duplicates["file_b"]].to_numpy()),
    )
    _, group = connected_components(coo_array(pairs, (len(files), len(files))), directed=False)
    return pd.Series(group, files)


def groups_of_images(duplicates, images, lesions):
    """A DataFrame with image_id, group, file (the duplicate), `shown` (it is the image's own file) and `crowd`.

    A crop of which the full image equals another's (not merely nearly) counts too: a film that was published twice, under
    two names, shows its tissue on both sides. Where more than MOST_ALIKE of all images have a near-equal one of another
    patient, the dataset's images are alike by nature, as those of test objects are: then groups of several patients by
    nearness are a crowd, to be told of and not acted on.
    """
    full = (
        images[["image_id"]]
        .merge(lesions[["image_id", "full_file"]], on="image_id")
        .rename(columns={"full_file": "file"})
    )
    own = images[["image_id", "file"]]
    equal = duplicates[duplicates["match"] != "near"]
    parts = []
    for kind, files, pairs in [
        ("equal", own, equal),
        ("full image", full, equal),
        ("near", own, duplicates),
    ]:
        group = groups_of_files(pairs)
        files = files[files["file"].isin(group.index)]
        names = [f"{kind} {number}" for number in files["file"].map(group)]
        parts.append(files.assign(group=names, shown=kind != "full image", near=kind == "near"))
    groups = pd.concat(parts, ignore_index=True)
    patients = (
        groups["image_id"]
        .map(images.set_index("image_id")["patient_id"])
        .groupby(groups["group"])
        .transform("nunique")
    )
    alike = groups["near"] & (patients > 1)
    groups["crowd"] = alike & (groups.loc[alike, "image_id"].nunique() > MOST_ALIKE * len(images))
    # A near group holds the equal ones, unless it is a crowd.
    lone = groups.loc[groups["near"] & ~groups["crowd"], "image_id"]
    groups = groups[groups["near"] | ~groups["shown"] | ~groups["image_id"].isin(lone)]
    return groups[["image_id", "group", "file", "shown", "crowd"]].astype(
        {"image_id": str, "group": str}
    )


def leaks(split):
    """What all that comes of a split says of it: nothing, or that patients are on both sides because that was asked for."""
    return "" if split["by"] == "patient" else f"leaks patients (split by {split['by']})"
