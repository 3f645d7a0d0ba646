"""Decoding image files, and files that are broken."""

import numpy as np
import pytest
from PIL import Image

from helpers.datasets import save_image
from mammo.dataset.headers import read_header
from mammo.dataset.images import decode, looks_like_mask, mask_box


def test_decoding_averages_areas(tmp_path):
    # One bright pixel in 64: nearest-neighbour would show or lose it; the average keeps it.
    pixels = np.zeros((512, 512), np.uint8)
    pixels[::8, ::8] = 64 * 3
    save_image(tmp_path / "dots.png", pixels)
    assert (decode(tmp_path / "dots.png", 64) == 3).all()


@pytest.mark.parametrize("shape", [(336, 336), (150, 131), (1000, 700)])
def test_a_jpeg_decoded_at_reduced_scale_is_near_the_average_of_the_whole(tmp_path, shape):
    pixels = texture(shape)
    save_image(tmp_path / "x.jpg", pixels, quality=95)
    # Areas with fractional edges, from the integral of the image.
    integral = np.pad(pixels.astype(float).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    edges = [np.linspace(0, length, 65) for length in shape]
    rows = np.array(
        [np.interp(edges[0], np.arange(shape[0] + 1), column) for column in integral.T]
    ).T
    sums = np.array([np.interp(edges[1], np.arange(shape[1] + 1), row) for row in rows])
    average = np.diff(np.diff(sums, axis=0), axis=1) / (shape[0] / 64 * shape[1] / 64)
    assert np.sqrt(np.mean((decode(tmp_path / "x.jpg", 64) - average) ** 2)) < 1


def texture(shape):
    """Power-law noise such as parenchyma shows, uint8."""
    rng = np.random.default_rng(0)
    frequency = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1]))
    frequency[0, 0] = 1
    noise = np.fft.irfft2(frequency**-1.5 * np.exp(2j * np.pi * rng.random(frequency.shape)), shape)
    return (20 + 200 * (noise - noise.min()) / np.ptp(noise)).astype(np.uint8)


@pytest.mark.parametrize("ending", ["png", "pgm", "tif"])
@pytest.mark.parametrize("brightest", [4095, 65535])
def test_sixteen_bits_are_scaled_to_what_they_hold(tmp_path, ending, brightest):
    ramp = np.repeat(np.linspace(0, brightest, 64), 2).astype(
        np.uint16
    )  # 12 bits in 16, as scanners write, or all 16
    save_image(tmp_path / f"deep.{ending}", np.tile(ramp, (100, 1)))
    assert np.abs(decode(tmp_path / f"deep.{ending}", 64)[0] - np.linspace(0, 255, 64)).max() <= 0.6


def test_float_and_signed_pixels_are_scaled_too(tmp_path):
    for number, dtype in enumerate([np.float32, np.int32]):
        ramp = np.tile(np.repeat(np.linspace(-1000, 2000, 64), 2), (100, 1)).astype(dtype)
        save_image(tmp_path / f"{number}.tif", ramp)
        assert (
            np.abs(decode(tmp_path / f"{number}.tif", 64)[0] - np.linspace(0, 255, 64)).max() <= 0.6
        )


@pytest.mark.parametrize("value", [7, np.nan])
def test_deep_pixels_that_show_nothing_are_refused(tmp_path, value):
    save_image(tmp_path / "flat.tif", np.full((80, 80), value, np.float32))
    with pytest.raises(ValueError, match="shows nothing"):
        decode(tmp_path / "flat.tif", 64)


def test_colour_becomes_grey_and_small_images_are_interpolated(tmp_path):
    save_image(tmp_path / "colour.png", np.full((20, 30, 3), 90, np.uint8))
    assert (decode(tmp_path / "colour.png", 64) == 90).all()
    ramp = np.tile(np.arange(0, 160, 10, dtype=np.uint8), (16, 1))
    save_image(tmp_path / "ramp.png", ramp)
    assert len(np.unique(decode(tmp_path / "ramp.png", 64))) > 40  # repeated pixels would give 16


def broken(path, kind):
    save_image(path, np.random.default_rng(0).integers(0, 255, (200, 200), np.uint8))
    data = path.read_bytes()
    path.write_bytes(
        {
            "empty_file": b"",
            "not_an_image": b"<html>not found</html>",
            "cut": data[: len(data) // 2],
        }[kind]
    )


@pytest.mark.parametrize("ending", ["jpg", "png", "pgm"])
def test_a_truncated_image_has_a_sound_header_but_does_not_decode(tmp_path, ending):
    broken(tmp_path / f"x.{ending}", "cut")
    header = read_header(tmp_path / f"x.{ending}")
    assert (header["width"], header["height"], header["problem"]) == (200, 200, "")
    with pytest.raises(ValueError, match=r"truncated|not large enough"):
        decode(tmp_path / f"x.{ending}", 64)


def test_a_mask_is_told_by_its_pixels(tmp_path):
    rng = np.random.default_rng(0)
    mask = np.zeros((800, 500), np.uint8)
    mask[300:420, 200:300] = 255
    save_image(tmp_path / "mask.jpg", mask)
    save_image(tmp_path / "crop.jpg", rng.normal(110, 30, (300, 300)).clip(0, 255).astype(np.uint8))
    dark = rng.normal(70, 20, (300, 300)).clip(0, 255).astype(np.uint8)
    dark[:, :140] = 0  # a crop at the edge of the breast
    save_image(tmp_path / "edge.jpg", dark)
    assert looks_like_mask(tmp_path / "mask.jpg")
    assert not looks_like_mask(tmp_path / "crop.jpg")
    assert not looks_like_mask(tmp_path / "edge.jpg")


def test_a_deep_tiff_whose_white_is_zero_is_no_negative(tmp_path):
    ramp = np.tile(np.repeat(np.linspace(0, 4000, 64), 2), (100, 1)).astype(np.uint16)
    save_image(tmp_path / "plain.tif", ramp)
    Image.fromarray(4000 - ramp).save(tmp_path / "inverted.tif", tiffinfo={262: 0})
    assert (
        np.abs(
            decode(tmp_path / "inverted.tif", 64).astype(int) - decode(tmp_path / "plain.tif", 64)
        ).max()
        <= 1
    )


def test_a_mask_of_zeros_and_ones_has_a_box(tmp_path):
    mask = np.zeros((100, 80), np.uint8)
    mask[20:40, 30:60] = 1
    save_image(tmp_path / "mask.png", mask)
    assert mask_box(tmp_path / "mask.png") == pytest.approx((30 / 80, 0.2, 60 / 80, 0.4))
