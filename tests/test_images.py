"""Reading image files: headers, decoding, and files that are broken."""

import io

import numpy as np
import pytest
from conftest import save_image
from PIL import Image

from lib.images import decode, looks_like_mask, read_header, read_headers


def test_decoding_averages_areas(tmp_path):
    # One bright pixel in 64: nearest-neighbour would show it or lose it; the average keeps its share.
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
    rows = np.array([np.interp(edges[0], np.arange(shape[0] + 1), column) for column in integral.T]).T
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
    ramp = np.repeat(np.linspace(0, brightest, 64), 2).astype(np.uint16)  # 12 bits in 16, as scanners write, or all 16
    save_image(tmp_path / f"deep.{ending}", np.tile(ramp, (100, 1)))
    assert np.abs(decode(tmp_path / f"deep.{ending}", 64)[0] - np.linspace(0, 255, 64)).max() <= 0.6


def test_float_and_signed_pixels_are_scaled_too(tmp_path):
    for number, dtype in enumerate([np.float32, np.int32]):
        ramp = np.tile(np.repeat(np.linspace(-1000, 2000, 64), 2), (100, 1)).astype(dtype)
        save_image(tmp_path / f"{number}.tif", ramp)
        assert np.abs(decode(tmp_path / f"{number}.tif", 64)[0] - np.linspace(0, 255, 64)).max() <= 0.6


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
        {"empty_file": b"", "not_an_image": b"<html>not found</html>", "cut": data[: len(data) // 2]}[kind]
    )


@pytest.mark.parametrize("kind", ["empty_file", "not_an_image"])
@pytest.mark.parametrize("ending", ["jpg", "png", "pgm"])
def test_a_header_tells_what_is_wrong(tmp_path, kind, ending):
    broken(tmp_path / f"x.{ending}", kind)
    header = read_header(tmp_path / f"x.{ending}")
    assert (header["problem"], header["width"]) == (kind, None)
    assert header["bytes"] == (tmp_path / f"x.{ending}").stat().st_size


def test_an_absent_file_and_a_decompression_bomb_are_told(tmp_path):
    assert read_header(tmp_path / "nowhere.png")["problem"] == "missing_file"
    (tmp_path / "dangling.png").symlink_to(tmp_path / "nowhere.png")
    assert read_header(tmp_path / "dangling.png")["problem"] == "missing_file"
    assert read_header(tmp_path / ("long" * 100))["problem"] == "unreadable"
    stream = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(stream, "png")
    (tmp_path / "bomb.png").write_bytes(stream.getvalue())
    assert read_header(tmp_path / "bomb.png")["problem"] == "too_large"


@pytest.mark.parametrize("ending", ["jpg", "png", "pgm"])
def test_a_truncated_image_has_a_sound_header_but_does_not_decode(tmp_path, ending):
    broken(tmp_path / f"x.{ending}", "cut")
    header = read_header(tmp_path / f"x.{ending}")
    assert (header["width"], header["height"], header["problem"]) == (200, 200, "")
    with pytest.raises(ValueError, match=r"truncated|not large enough"):
        decode(tmp_path / f"x.{ending}", 64)


def test_headers_come_in_order_whatever_the_number_of_processes(tmp_path):
    for number in range(30):
        save_image(tmp_path / f"{number}.png", np.zeros((10 + number, 20), np.uint8))
    paths = [tmp_path / f"{number % 30}.png" for number in range(600)]  # more than are worth a process
    assert [header["height"] for header in read_headers(paths, 2)] == [10 + number % 30 for number in range(600)]


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
