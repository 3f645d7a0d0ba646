"""DICOM files: the little of their headers that is ever looked at, and their pixels as grey levels.

What pydicom says of a broken file may quote the file, so its warnings and messages stay in here: only codes and the kind
of an error leave.
"""

import math
import re
import struct
import warnings

import numpy as np
import pydicom
from PIL import Image
from pydicom.encaps import get_frame
from pydicom.pixels import apply_modality_lut, apply_voi, apply_windowing, get_decoder

# All that is read of a header: no names, no dates, no comments. Of SeriesDescription only what DESCRIBED makes of it
# leaves this module, of SeriesInstanceUID only what is a UID.
HEADER_FIELDS = ["SeriesInstanceUID", "SeriesDescription", "Rows", "Columns", "BitsAllocated", "SamplesPerPixel",
                 "PhotometricInterpretation", "NumberOfFrames", "PixelSpacing", "ImagerPixelSpacing"]  # fmt: skip
# What it takes besides to show the pixels.
PIXEL_FIELDS = ["Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "SamplesPerPixel", "PixelRepresentation",
                "PhotometricInterpretation", "NumberOfFrames", "PixelPaddingValue", "PixelPaddingRangeLimit", "RescaleSlope",
                "RescaleIntercept", "ModalityLUTSequence", "WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence",
                "ExtendedOffsetTable", "ExtendedOffsetTableLengths", "PixelData"]  # fmt: skip
DESCRIBED = {"cropped images": "crop", "roi mask images": "mask", "full mammogram images": "full"}
GREY = ("MONOCHROME1", "MONOCHROME2")
PIXEL_DATA = (b"\xe0\x7f\x10\x00", b"\x7f\xe0\x00\x10")  # the tag, little and big endian
DEFLATED = b"1.2.840.10008.1.2.1.99"
MOST_PIXELS = 2 * Image.MAX_IMAGE_PIXELS  # Pillow's own limit

pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
warnings.filterwarnings("ignore", module="pydicom")


def is_dicom(path):
    """Whether a file is DICOM by the letters after its preamble or, because some lack a preamble, by its ending."""
    if str(path).lower().endswith(".dcm"):
        return True
    try:
        with open(path, "rb") as file:
            return file.read(132)[128:] == b"DICM"
    except (OSError, ValueError):
        return False


def read_dicom_header(path):
    """{width, height, spacing_mm, bits, series, described, problem} of a DICOM file, without its pixels.

    `described` is crop, mask, full or '', `series` the SeriesInstanceUID or ''. Codes of problems: not_an_image,
    bad_transfer_syntax (none that can be decoded here), no_pixels, multi_frame, colour, too_large, unreadable (no size).
    """
    with open(path, "rb") as file:
        start = file.read(1024)
        if (
            DEFLATED in start
        ):  # pydicom would inflate the whole file first, however large it becomes
            return {"problem": "bad_transfer_syntax"}
        file.seek(0)
        header = pydicom.dcmread(
            file, stop_before_pixels=True, force=True, specific_tags=HEADER_FIELDS
        )
        has_pixels = file.read(4) in PIXEL_DATA
    series = str(header.get("SeriesInstanceUID") or "")
    width, height = _number(header, "Columns"), _number(header, "Rows")
    found = {
        "width": width,
        "height": height,
        "spacing_mm": _spacing(header),
        "bits": _number(header, "BitsAllocated"),
        "series": series
        if len(series) <= 64 and re.fullmatch(r"[0-9]+(\.[0-9]+)+", series)
        else "",
        "described": DESCRIBED.get(str(header.get("SeriesDescription")).strip().lower(), ""),
    }
    if start[128:132] != b"DICM" and not (has_pixels or found["series"]):
        return {"problem": "not_an_image"}
    syntax = header.file_meta.get("TransferSyntaxUID")
    if syntax is not None and not _decodable(syntax):
        problem = "bad_transfer_syntax"
    elif not has_pixels:
        problem = "no_pixels"
    elif (_number(header, "NumberOfFrames") or 1) > 1:
        problem = "multi_frame"
    elif _number(header, "SamplesPerPixel") != 1 or _photometric(header) not in GREY:
        problem = "colour"
    elif not width or not height:
        problem = "unreadable"
    else:
        problem = "too_large" if width * height > MOST_PIXELS else ""
    return found | {"problem": problem}


def _number(header, name):
    """A field as a whole number; None where it is missing or none."""
    try:
        return int(header.get(name))
    except (TypeError, ValueError, OverflowError):
        return None


def _photometric(header):
    return str(header.get("PhotometricInterpretation") or "").strip().upper()


def _spacing(header):
    """Millimetres between pixels, where rows and columns agree to 1 %; else None."""
    value = next(
        (header.get(name) for name in ("PixelSpacing", "ImagerPixelSpacing") if header.get(name)),
        None,
    )
    try:
        down, across = (float(part) for part in value)
    except (TypeError, ValueError):
        return None
    if not (0 < down < math.inf and 0 < across < math.inf) or abs(down - across) > 0.01 * max(
        down, across
    ):
        return None
    return (down + across) / 2


def _decodable(syntax):
    try:
        return get_decoder(syntax).is_available
    except (NotImplementedError, ValueError):
        return False


def read_pixels(path):
    """The image of a DICOM file as float32 (height, width), 0 (black) to 255 (white).

    The modality LUT or rescale is applied, then the VOI LUT or the first window, all through pydicom. How that becomes 8
    bits: a window's output range, or all that a VOI LUT's bits can hold, goes to 0 to 255; without either, the image's own
    darkest to brightest value does. MONOCHROME1 is inverted. Pixels that the header calls padding do not count for that
    range and are black. Raises ValueError where the file does not decode to its end, or shows one value only.
    """
    try:
        problem = read_dicom_header(path)["problem"]
        grey = (
            None
            if problem
            else _grey(pydicom.dcmread(path, force=True, specific_tags=PIXEL_FIELDS))
        )
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


def _grey(image):
    """read_pixels of a dataset; None where it shows nothing."""
    if "TransferSyntaxUID" not in image.file_meta:
        implicit, little = image.original_encoding
        native = pydicom.uid.ExplicitVRLittleEndian if little else pydicom.uid.ExplicitVRBigEndian
        image.file_meta.TransferSyntaxUID = (
            pydicom.uid.ImplicitVRLittleEndian if implicit else native
        )
    if image.file_meta.TransferSyntaxUID.is_encapsulated:
        _refuse_wrong_stream(image)
    stored = image.pixel_array
    padding = _padding(image, stored)
    # Wide enough for what a LUT's first entry and length may be.
    values = apply_modality_lut(
        stored.astype(np.int32) if image.get("ModalityLUTSequence") else stored, image
    )
    if image.get("VOILUTSequence"):
        values, low, high = _voi_lut(image, values)
    elif image.get("WindowCenter") is not None and image.get("WindowWidth") is not None:
        low, high = apply_windowing(np.array([-np.inf, np.inf]), image)
        values = apply_windowing(values, image)
    else:
        shown = values if padding is None else values[~padding]
        low, high = (float(shown.min()), float(shown.max())) if shown.size else (0, 0)
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


def _refuse_wrong_stream(image):
    """Raise ValueError for a JPEG or JPEG 2000 stream of another size than its header says, and for a JPEG that is cut short.

    The decoders only find out after they have made room for that size, and one of them fills up what is missing.
    """
    stream = get_frame(image.PixelData, 0, number_of_frames=1)
    if stream.startswith(
        (b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP")
    ):  # JPEG 2000, perhaps in a JP2 file
        start = stream.index(b"\xff\x4f\xff\x51")
        width, height = struct.unpack(">II", stream[start + 8 : start + 16])
    elif stream[:2] == b"\xff\xd8":
        at = 2
        while not 0xC0 <= stream[at + 1] <= 0xCF or stream[at + 1] in (
            0xC4,
            0xC8,
            0xCC,
        ):  # up to the frame's header
            if stream[at + 1] == 0xF7:  # that of JPEG-LS
                break
            at += 2 + int.from_bytes(stream[at + 2 : at + 4], "big")
        height, width = struct.unpack(">HH", stream[at + 5 : at + 9])
        if not stream.rstrip(b"\0\xff").endswith(b"\xff\xd9"):
            raise ValueError("no end of the image")
    else:  # RLE, whose size is the header's
        return
    if (height, width) != (image.Rows, image.Columns):
        raise ValueError("another size than the header's")


def _padding(image, stored):
    """Which pixels the header calls padding, or None: in stored values, one value or a range of them."""
    value = image.get("PixelPaddingValue")
    if value is None:
        return None
    limit = image.get("PixelPaddingRangeLimit")
    low, high = sorted([int(value), int(value if limit is None else limit)])
    return (stored >= low) & (stored <= high)


def _voi_lut(image, values):
    """(values after the first VOI LUT, the lowest and the highest that its bits can hold)."""
    lut = image.VOILUTSequence[0]
    entries, first, bits = lut.LUTDescriptor
    # pydicom counts an 8-bit table's entries in 8 bits, and lets values beyond 16 bits wrap around.
    lut.LUTDescriptor = [entries, first, 16 if bits == 8 else bits]
    values = np.rint(values).clip(first, first + (entries or 2**16) - 1).astype(np.int64)
    return apply_voi(values, image), 0, 2**bits - 1
