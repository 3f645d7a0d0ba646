"""What the parts of a study are called under results/: all that they depend on is in the name."""

from mammo.dataset.settings import Image
from mammo.split.settings import Split
from mammo.study.settings import Study


def split_name(split: Split, image: Image) -> str:
    """The name of a split under results/splits/: all that it depends on but the dataset."""
    parts: list[str] = [split.method]
    drawn: dict[str, list[str]] = {
        "official": [],
        "fractions": ["test"],
        "folds": ["folds"],
        "hash": ["test"],
    }
    parts += [f"{key}{getattr(split, key)}" for key in [*drawn[split.method], "validation", "seed"]]
    if split.by != "patient":
        parts.append(f"by_{split.by}")
    if split.duplicates != "drop_from_training":
        parts.append("duplicates_fail")
    if split.patients != "compared":
        parts.append("patients_as_written")
    if (region := region_name(image)) != "crop":
        parts.append(region)
    return "-".join(parts)


def folds(split: Split) -> range:
    """The numbers of the folds of a split."""
    return range(split.folds if split.method == "folds" else 1)


def region_name(image: Image) -> str:
    """The name of a list of images under results/regions/.

    It is crop, crop_unmixed, context, context_mm, full or full_unmixed.
    """
    if image.region == "context" and image.margin_unit == "mm":
        return "context_mm"
    if image.region != "context" and image.mixed == "leave_out":
        return f"{image.region}_unmixed"
    return image.region


def image_name(image: Image) -> str:
    """The name of a set of tensors under results/tensors/: all settings that it depends on."""
    parts = [region_name(image)]
    if image.region == "context":
        parts.append(f"margin{image.margin:g}")
    if image.fit != "stretch":
        parts.append(image.fit)
    return "-".join([*parts, str(image.size)])


def shard_names(image: Image) -> list[str]:
    """The names of the parts that a set of tensors is made in: 1of1, or 1of3, 2of3 and 3of3."""
    return [f"{part}of{image.shards}" for part in range(1, image.shards + 1)]


def runs_of_folds(experiment: str, study: Study) -> dict[int, list[str]]:
    """{fold: its runs, one a seed} of an experiment, as under results/runs/."""
    return {
        fold: [f"{experiment}/fold{fold}-seed{seed}" for seed in study.seeds]
        for fold in folds(study.split)
    }
