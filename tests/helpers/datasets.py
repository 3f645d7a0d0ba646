"""Tiny datasets, to be spoilt by a test."""

import csv

import numpy as np
from PIL import Image

NAMES = [
    f"{kind}_case_description_{part}_set.csv"
    for kind in ("mass", "calc")
    for part in ("train", "test")
]


def write_csv(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def save_image(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


class TinyKaggle:
    """A dataset in the Kaggle layout, to be spoilt by a test and then written.

    It has two lesions a patient and view.
    """

    def __init__(self, folder, patients=8):
        self.folder, self.tables, self.info = folder, {name: [] for name in NAMES}, []
        rng = np.random.default_rng(0)
        for number in range(patients):
            for view in ("CC", "MLO"):
                self.add(rng, number, view)

    def add(self, rng, number, view):
        name = NAMES[number % 4]
        kind = name.split("_")[0]
        series = {
            role: f"2.25.{number}{view == 'CC':d}{i}" for i, role in enumerate(["full", "crop"])
        }
        path = "x/2.25.1/{}/00000{}.dcm"
        self.tables[name].append(
            {
                "patient_id": f"P_{number:05}",
                "breast_density" if kind == "mass" else "breast density": number % 5,
                "left or right breast": "LEFT",
                "image view": view,
                "abnormality id": 1,
                "abnormality type": {"mass": "mass", "calc": "calcification"}[kind],
                "assessment": 4,
                "pathology": ["MALIGNANT", "BENIGN", "BENIGN_WITHOUT_CALLBACK"][number // 4 % 3],
                "subtlety": 3,
                "image file path": path.format(series["full"], 0),
                "cropped image file path": path.format(series["crop"], 0) + "\n",
                "ROI mask file path": path.format(series["crop"], 1),
            }
        )
        mask = np.zeros((90, 60), np.uint8)
        mask[30:50, 20:40] = 255
        first = number % 2  # crop and mask in either order
        for file, role, bits, pixels in [
            (
                f"{series['full']}/1-001.jpg",
                "full mammogram images",
                16,
                rng.integers(0, 255, (90, 60), np.uint8),
            ),
            (
                f"{series['crop']}/{1 + first}-00{1 + first}.jpg",
                "cropped images",
                16,
                rng.integers(60, 200, (40, 40), np.uint8),
            ),
            (f"{series['crop']}/{2 - first}-00{2 - first}.jpg", "ROI mask images", 8, mask),
        ]:
            save_image(self.folder / "jpeg" / file, pixels, quality=95)
            self.info.append(
                {
                    "image_path": f"CBIS-DDSM/jpeg/{file}",
                    "SeriesDescription": role,
                    "BitsAllocated": bits,
                }
            )

    def write(self):
        for name, rows in self.tables.items():
            write_csv(self.folder / "csv" / name, rows)
        if self.info:
            write_csv(self.folder / "csv" / "dicom_info.csv", self.info)
        return self.folder
