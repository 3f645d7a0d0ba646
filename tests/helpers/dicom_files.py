"""DICOM files for the tests: written here, in every transfer syntax that mammograms come in."""

import io
import uuid
from pathlib import Path

import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID

from helpers.datasets import write_csv

SYNTAXES = {
    "implicit": "1.2.840.10008.1.2",
    "explicit": "1.2.840.10008.1.2.1",
    "big endian": "1.2.840.10008.1.2.2",
    "RLE": "1.2.840.10008.1.2.5",
    "JPEG baseline": "1.2.840.10008.1.2.4.50",
    "JPEG lossless": "1.2.840.10008.1.2.4.70",
    "JPEG 2000 lossless": "1.2.840.10008.1.2.4.90",
    "JPEG 2000": "1.2.840.10008.1.2.4.91",
}


def write_dicom(path, pixels, syntax="explicit", preamble=True, meta=None, **elements):
    """Write uint8, uint16 or int16 `pixels`, (h, w), as a DICOM file; `elements` are set by keyword, None removes one.

    `private` is the text of a private tag.
    """
    pixels, uid = np.ascontiguousarray(pixels), UID(SYNTAXES[syntax])
    image = Dataset()
    image.SOPClassUID, image.SOPInstanceUID = (
        "1.2.840.10008.5.1.4.1.1.7",
        pydicom.uid.generate_uid(),
    )
    image.SeriesInstanceUID, image.Modality = "2.25.1", "MG"
    image.Rows, image.Columns = pixels.shape
    image.BitsAllocated = image.BitsStored = 8 * pixels.itemsize
    image.HighBit, image.PixelRepresentation = image.BitsStored - 1, int(pixels.dtype.kind == "i")
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    encode = {"JPEG baseline": jpeg, "JPEG lossless": jpeg_lossless}.get(syntax)
    if encode:
        image.PixelData = encapsulate([encode(pixels)])
        image["PixelData"].is_undefined_length = True
    else:
        order = ">" if syntax == "big endian" else "<"
        image.PixelData = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    image["PixelData"].VR = "OB" if encode or pixels.itemsize == 1 else "OW"
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = uid
    if uid.is_encapsulated and not encode:
        image.file_meta.TransferSyntaxUID = UID(SYNTAXES["explicit"])
        image.compress(
            uid, j2k_cr=[4] if syntax == "JPEG 2000" else None
        ) if "2000" in syntax else image.compress(uid)
    for name, value in elements.items():
        if name == "private":
            image.private_block(0x0013, "CTP", create=True).add_new(0x10, "LO", value)
        elif value is None:
            delattr(image, name)
        else:
            setattr(image, name, value)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    if not preamble:
        image.file_meta = FileMetaDataset()
        image.save_as(
            path,
            implicit_vr=uid.is_implicit_VR,
            little_endian=uid.is_little_endian,
            enforce_file_format=False,
        )
        return
    image.file_meta.update(meta or {})
    image.preamble = b"\0" * 128
    pydicom.dcmwrite(path, image, enforce_file_format=True)


def write_edition(data, folder, layout, **elements):
    """A TinyKaggle as the DICOM edition in `folder`, in the layout of 'tcia' or 'idc'. Headers get its descriptions and bits.

    Case tables lie beside the images (tcia) or in csv/ (idc); the headers' PatientID is that of an image, misspelt at times.
    """
    study = "2.25.1"
    for number, entry in enumerate(data.info):
        series, name = entry["image_path"].split("/")[-2:]
        with Image.open(data.folder / "jpeg" / series / name) as image:
            pixels = np.asarray(image)
        if entry["BitsAllocated"] == 16:
            pixels = pixels.astype(np.uint16) * 257
        patient = (
            f"P_{number:05}_LEFT_CC_1.dcm"
            if number % 5 == 0
            else f"Mass-Training_P_{number:05}_LEFT_CC_1"
        )
        path = {
            "tcia": f"CBIS-DDSM/{patient}/07-20-2016-DDSM-NA-1/1.000000-ROI mask images-{series[-5:]}/{name[0]}-1.dcm",
            "idc": f"cbis_ddsm/{patient}/{study}/MG_{series}/{uuid.UUID(int=number)}.dcm",
        }[layout]
        described = (
            {"SeriesDescription": entry["SeriesDescription"]} if entry["SeriesDescription"] else {}
        )
        fields = {
            "PatientID": patient,
            "SeriesInstanceUID": series,
            "StudyInstanceUID": study,
        } | described
        write_dicom(folder / path, pixels, **(fields | elements))
    for name, rows in data.tables.items():
        write_csv(folder / ("csv" if layout == "idc" else "") / name, rows)
    return folder


def jpeg(pixels):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "jpeg", quality=95)
    return stream.getvalue()


def jpeg_lossless(pixels):
    """JPEG process 14, selection value 1 (each pixel as its difference from the one before), with Huffman codes of 5 bits."""
    height, width = pixels.shape
    values = pixels.astype(np.int64)
    before = np.concatenate(
        [np.full((height, 1), 1 << (8 * pixels.itemsize - 1)), values[:, :-1]], axis=1
    )
    before[1:, 0] = values[:-1, 0]
    bits = []
    for difference in (values - before).ravel().tolist():
        difference = (difference + 32768) % 65536 - 32768
        size = abs(difference).bit_length()
        bits.append(f"{size:05b}")
        if 0 < size < 16:
            bits.append(
                f"{difference if difference > 0 else difference + (1 << size) - 1:0{size}b}"
            )
    text = "".join(bits)
    text += "1" * (-len(text) % 8)
    data = int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\0")

    def segment(marker, *parts):
        body = b"".join(parts)
        return bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body

    shape = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    lengths = bytes([0, 0, 0, 0, 17]) + bytes(11)  # how many codes of 1, 2, … 16 bits
    return b"".join([
        b"\xff\xd8",
        segment(0xC3, bytes([8 * pixels.itemsize]), shape, bytes([1, 1, 0x11, 0])),
        segment(0xC4, bytes([0]), lengths, bytes(range(17))),
        segment(0xDA, bytes([1, 1, 0, 1, 0, 0])),
        data,
        b"\xff\xd9",
    ])  # fmt: skip


SECRETS = {
    "PatientName": "SECRET^JANE",
    "PatientBirthDate": "19SECRET",  # no date either: a reader must not say so aloud
    "PatientID": "SECRET.dcm",
    "PatientComments": "SECRET comment",
    "ImageComments": "SECRET comment",
    "StudyDescription": "SECRET study",
    "InstitutionName": "SECRET hospital",
    "StudyDate": "20SECRET",
}


def keep_secrets(image_fields):
    """Elements with secrets, in standard and private tags, for write_dicom."""
    private = Dataset()
    private.PatientName = "SECRET^NESTED"
    return (
        SECRETS | {"private": "SECRET private", "OtherPatientIDsSequence": [private]} | image_fields
    )


WINDOW = {"WindowCenter": 30000, "WindowWidth": 60000}


def write_secret_into_window(path):
    """Where the width was, there is text that is no number."""
    data = path.read_bytes()
    assert data.count(b"DS\x08\x0060000.0 ") == 1
    path.write_bytes(data.replace(b"DS\x08\x0060000.0 ", b"DS\x08\0A SECRET"))
