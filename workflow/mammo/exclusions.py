"""Why something is excluded: one code in the tables, and one text for a person.

The inventory, the regions, the split and the decoding write codes into their tables of exclusions;
a prediction of new images says the same texts of files that it cannot use.
"""

# In the order in which the reasons of a step are listed: what is listed twice is excluded for the
# first.
REASONS = {
    "duplicate_row": "Row repeats another, which is kept",
    "bad_path": "Path in the dataset's table is malformed",
    "bad_name": "File name cannot be written to a table (not UTF-8)",
    "outside_dataset": "File lies outside the dataset's folder",
    "missing_series": "Image series is missing",
    "no_crop": "No ROI crop among the lesion's files",
    "ambiguous_crop": "More than one ROI crop among the lesion's files",
    "missing_file": "File is missing",
    "empty_file": "File is empty",
    "not_an_image": "File is not an image in a known format",
    "too_large": "Image has more pixels than any mammogram",
    "no_pixels": "DICOM file without pixels",
    "multi_frame": "DICOM file with several frames",
    "colour": "DICOM file in colour",
    "bad_transfer_syntax": "DICOM file in a transfer syntax that cannot be decoded",
    "unreadable": "File cannot be read: damaged, or not readable for this user",
    "no_full_image": "No whole image",
    "no_mask": "No mask",
    "mask_of_another_shape": "Mask and whole image have different proportions",
    "no_spacing": "Pixel spacing is unknown",
    "mixed_classes": "Benign and malignant lesions on one image",
    "patient_in_test": "Training image of a patient who is also in the test partition",
    "lesion_in_test": "Training image of a lesion that is also in the test partition",
    "patient_in_validation": "Training image of a patient who is also in the validation partition",
    "lesion_in_validation": "Training image of a lesion that is also in the validation partition",
    "duplicate_of_test": "Duplicate of an image in the test partition",
    "duplicate_of_validation": "Duplicate of an image in the validation partition",
    "cannot_decode": "Image cannot be decoded: damaged or truncated",
    "unlisted": "Missing, but not listed in any table of exclusions",
}
# A code of a file's problem gets the prefix of the role in which the file was needed.
ROLES = {"mask_": "Mask", "full_": "Whole image", "crop_": "ROI crop"}


def reason_in_words(code: str) -> str:
    """The text of a code: `mask_empty_file` is 'Mask: file is empty'.

    A code that has no text stands for itself.
    """
    if code in REASONS:
        return REASONS[code]
    for prefix, role in ROLES.items():
        if text := REASONS.get(code.removeprefix(prefix)):
            return f"{role}: {_within_a_sentence(text)}"
    return code


def _within_a_sentence(text: str) -> str:
    """A text without its capital, unless it begins with an abbreviation such as DICOM."""
    return text if text[1].isupper() else text[0].lower() + text[1:]
