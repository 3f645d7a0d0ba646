"""DICOM files: the few fields of their headers that are used, and their pixels as grey levels.

What pydicom says of a broken file may quote the file, so its warnings and messages stay in here:
only codes and the kind of an error leave.
"""

import math
import re
import struct
import warnings
from os import PathLike
from typing import Any

import numpy as np
import pydicom
from PIL import Image
from pydicom.encaps import get_frame
from pydicom.pixels import apply_modality_lut, apply_voi, apply_windowing, get_decoder

# All that is read of a header: no names, no dates, no comments. Of SeriesDescription only what
# DESCRIBED makes of it leaves this module, of SeriesInstanceUID only what is a UID.
HEADER_FIELDS = [
    "SeriesInstanceUID",
    "SeriesDescription",
    "Rows",
    "Columns",
    "BitsAllocated",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "NumberOfFrames",
    "PixelSpacing",
    "ImagerPixelSpacing",
]
# What it takes besides to show the pixels.
PIXEL_FIELDS = [
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "SamplesPerPixel",
    "PixelRepresentation",
    "PhotometricInterpretation",
    "NumberOfFrames",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "RescaleSlope",
    "RescaleIntercept",
    "ModalityLUTSequence",
    "WindowCenter",
    "WindowWidth",
    "VOILUTFunction",
    "VOILUTSequence",
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
    "PixelData",
]
DESCRIBED = {"cropped images": "crop", "roi mask images": "mask", "full mammogram images": "full"}
GREY = ("MONOCHROME1", "MONOCHROME2")
PIXEL_DATA = (b"\xe0\x7f\x10\x00", b"\x7f\xe0\x00\x10")  # the tag, little and big endian
DEFLATED = b"1.2.840.10008.1.2.1.99"
# In a JPEG stream: the start of an image and its end; markers C0 to CF begin a frame's header, as
# does F7 (JPEG-LS), but for these three.
JPEG_START, JPEG_END = b"\xff\xd8", b"\xff\xd9"
NO_FRAME = (0xC4, 0xC8, 0xCC)
JPEG_LS_FRAME = 0xF7
# JPEG 2000: the start of a stream, and that of a JP2 file, which may hold it.
JPEG_2000_START, JP2_START = b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP"
MOST_PIXELS = 2 * (Image.MAX_IMAGE_PIXELS or 0)  # Pillow's own limit

pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
warnings.filterwarnings("ignore", module="pydicom")


def is_dicom(path: str | PathLike) -> bool:
    """Whether a file is DICOM, by the letters after its preamble or by its ending.

    Some files lack the preamble.
    """
    if str(path).lower().endswith(".dcm"):
        return True
    try:
        with open(path, "rb") as file:
            return file.read(132)[128:] == b"DICM"
    except (OSError, ValueError):
        return False


def read_dicom_header(path: str | PathLike) -> dict[str, Any]:
    """{width, height, spacing_mm, bits, series, described, problem} of a DICOM file.

    `described` is crop, mask, full or '', `series` the SeriesInstanceUID or ''. Pixels are not
    read.

    Codes of problems: not_an_image, bad_transfer_syntax (none that can be decoded here), no_pixels,
    multi_frame, colour, too_large, unreadable (no size).
    """
    with open(path, "rb") as file:
        start = file.read(1024)
        if DEFLATED in start:
            # pydicom would inflate the whole file first, however large it becomes.
            return {"problem": "bad_transfer_syntax"}
        file.seek(0)
        header = pydicom.dcmread(
            file, stop_before_pixels=True, force=True, specific_tags=HEADER_FIELDS
        )
        has_pixels = file.read(4) in PIXEL_DATA
    found = {
        "width": _number(header, "Columns"),
        "height": _number(header, "Rows"),
        "spacing_mm": _spacing(header),
        "bits": _number(header, "BitsAllocated"),
        "series": _uid(header),
        "described": DESCRIBED.get(str(header.get("SeriesDescription")).strip().lower(), ""),
    }
    if start[128:132] != b"DICM" and not (has_pixels or found["series"]):
        return {"problem": "not_an_image"}
    return found | {"problem": _problem(header, has_pixels)}


def _problem(header: pydicom.Dataset, has_pixels: bool) -> str:
    """The code of what keeps a DICOM file from being shown; '' for nothing."""
    syntax = header.file_meta.get("TransferSyntaxUID")
    width, height = _number(header, "Columns"), _number(header, "Rows")
    if syntax is not None and not _decodable(syntax):
        return "bad_transfer_syntax"
    if not has_pixels:
        return "no_pixels"
    if (_number(header, "NumberOfFrames") or 1) > 1:
        return "multi_frame"
    if _number(header, "SamplesPerPixel") != 1 or _photometric(header) not in GREY:
        return "colour"
    if not width or not height:
        return "unreadable"
    return "too_large" if width * height > MOST_PIXELS else ""


def _uid(header: pydicom.Dataset) -> str:
    """The SeriesInstanceUID; '' where it is missing or no UID."""
    series = str(header.get("SeriesInstanceUID") or "")
    return series if len(series) <= 64 and re.fullmatch(r"[0-9]+(\.[0-9]+)+", series) else ""


def _number(header: pydicom.Dataset, name: str) -> int | None:
    """A field as a whole number; None where it is missing or no number."""
    try:
        return int(header.get(name))
    except (TypeError, ValueError, OverflowError):
        return None


def _photometric(header: pydicom.Dataset) -> str:
    return str(header.get("PhotometricInterpretation") or "").strip().upper()


def _spacing(header: pydicom.Dataset) -> float | None:
    """Millimetres between pixels, where rows and columns agree to 1 %; else None."""
    value = header.get("PixelSpacing") or header.get("ImagerPixelSpacing")
    try:
        down, across = (float(part) for part in value)
    except (TypeError, ValueError):
        return None
    if not (0 < down < math.inf and 0 < across < math.inf):
        return None
    if abs(down - across) > 0.01 * max(down, across):
        return None
    return (down + across) / 2


def _decodable(syntax: str) -> bool:
    try:
        return get_decoder(syntax).is_available
    except (NotImplementedError, ValueError):
        return False


def read_pixels(path: str | PathLike) -> np.ndarray:
    """The image of a DICOM file as float32 (height, width), 0 (black) to 255 (white).

    The modality LUT or rescale is applied, then the VOI LUT or the first window, all through
    pydicom. How that becomes 8 bits:

    - A window's output range, or all that a VOI LUT's bits can hold, goes to 0 to 255.
    - Without either, the image's own darkest to brightest value does.
    - MONOCHROME1 is inverted.
    - Pixels that the header calls padding do not count for that range and are black.

    Raises ValueError where the file does not decode to its end, or all pixels have one value.
    """
    try:
        problem = read_dicom_header(path)["problem"]
        if not problem:
            grey = _grey(pydicom.dcmread(path, force=True, specific_tags=PIXEL_FIELDS))
    except MemoryError:
        raise
    except Exception as error:  # decoders raise anything on broken data
        raise ValueError(
            f"its pixels cannot be decoded ({type(error).__name__}): cut short or damaged?"
        ) from None
    if problem:
        raise ValueError(f"a DICOM file that cannot be shown: {problem}")
    if grey is None:
        raise ValueError("a DICOM file that shows nothing: all of its pixels have one value")
    return grey


def _grey(image: pydicom.Dataset) -> np.ndarray | None:
    """read_pixels of an open file; None where all pixels have one value."""
    _name_transfer_syntax(image)
    if image.file_meta.TransferSyntaxUID.is_encapsulated:
        _refuse_wrong_stream(image)
    stored = image.pixel_array
    padding = _padding(image, stored)
    # Wide enough for what a LUT's first entry and length may be.
    wide = stored.astype(np.int32) if image.get("ModalityLUTSequence") else stored
    values, low, high = _windowed(image, apply_modality_lut(wide, image), padding)
    if not np.isfinite([low, high]).all() or low == high:
        return None
    exact = np.float64 if values.itemsize > 2 else np.float32
    grey = (np.subtract(values, low, dtype=exact) * (255 / (high - low))).astype(np.float32)
    if _photometric(image) == "MONOCHROME1":
        grey = 255 - grey
    if padding is not None:
        grey[padding] = 0
    grey = grey.clip(0, 255)
    return grey if grey.min() < grey.max() else None


def _name_transfer_syntax(image: pydicom.Dataset) -> None:
    """Set the transfer syntax of a file that does not name it, from how pydicom could read it."""
    if "TransferSyntaxUID" in image.file_meta:
        return
    implicit, little = image.original_encoding
    if implicit:
        syntax = pydicom.uid.ImplicitVRLittleEndian
    elif little:
        syntax = pydicom.uid.ExplicitVRLittleEndian
    else:
        syntax = pydicom.uid.ExplicitVRBigEndian
    image.file_meta.TransferSyntaxUID = syntax


def _windowed(
    image: pydicom.Dataset, values: np.ndarray, padding: np.ndarray | None
) -> tuple[np.ndarray, float, float]:
    """(values after the VOI LUT or window, the value of black, the value of white)."""
    if image.get("VOILUTSequence"):
        return _voi_lut(image, values)
    if image.get("WindowCenter") is not None and image.get("WindowWidth") is not None:
        low, high = apply_windowing(np.array([-np.inf, np.inf]), image)
        return apply_windowing(values, image), low, high
    shown = values if padding is None else values[~padding]
    if not shown.size:
        return values, 0, 0
    return values, float(shown.min()), float(shown.max())


def _refuse_wrong_stream(image: pydicom.Dataset) -> None:
    """Raise ValueError for a stream of another size than its header says, or that is cut short.

    Of JPEG and JPEG 2000, whose decoders only find out after they have made room for that size; and
    one of them fills up what is missing. The size of an RLE stream is the header's.
    """
    stream = get_frame(image.PixelData, 0, number_of_frames=1)
    if stream.startswith((JPEG_2000_START, JP2_START)):
        start = stream.index(JPEG_2000_START)
        width, height = struct.unpack(">II", stream[start + 8 : start + 16])
    elif stream.startswith(JPEG_START):
        at = 2
        while not _begins_frame(stream[at + 1]):
            at += 2 + int.from_bytes(stream[at + 2 : at + 4], "big")
        height, width = struct.unpack(">HH", stream[at + 5 : at + 9])
        if not stream.rstrip(b"\0\xff").endswith(JPEG_END):
            raise ValueError("no end of the image")
    else:
        return
    if (height, width) != (image.Rows, image.Columns):
        raise ValueError("another size than the header's")


def _begins_frame(marker: int) -> bool:
    """Whether a JPEG's marker begins the header of a frame, which holds the image's size."""
    return (0xC0 <= marker <= 0xCF and marker not in NO_FRAME) or marker == JPEG_LS_FRAME


def _padding(image: pydicom.Dataset, stored: np.ndarray) -> np.ndarray | None:
    """Which pixels the header calls padding, by a stored value or a range; None for none."""
    value = image.get("PixelPaddingValue")
    if value is None:
        return None
    limit = image.get("PixelPaddingRangeLimit")
    low, high = sorted([int(value), int(value if limit is None else limit)])
    return (stored >= low) & (stored <= high)


def _voi_lut(image: pydicom.Dataset, values: np.ndarray) -> tuple[np.ndarray, float, float]:
    """(values after the first VOI LUT, the lowest and the highest that its bits can hold)."""
    lut = image.VOILUTSequence[0]
    entries, first, bits = lut.LUTDescriptor
    # pydicom counts an 8-bit table's entries in 8 bits, and lets values beyond 16 bits wrap around.
    lut.LUTDescriptor = [entries, first, 16 if bits == 8 else bits]
    values = np.rint(values).clip(first, first + (entries or 2**16) - 1).astype(np.int64)
    return apply_voi(values, image), 0, 2**bits - 1
