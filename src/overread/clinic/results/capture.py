"""Secondary capture: slices with the answer, warning and legend burned in, for archives that show nothing else.

Source: PS3.3 A.8.5 (Multi-frame True Color Secondary Capture), C.8.6.1 (SC Equipment), C.7.6.5 (Cine is left out).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import MultiFrameTrueColorSecondaryCaptureImageStorage

from overread.clinic.results.codes import plain
from overread.clinic.results.material import Material
from overread.clinic.results.new_object import new_object
from overread.clinic.results.pictures import burned, shown_slices
from overread.clinic.results.planes import planes_of
from overread.clinic.results.source import finish, keep_laterality
from overread.runtime.prediction import Prediction

DERIVATION = "AI overlay with measurements, legend and warning burned in"


def make_capture(material: Material) -> Dataset | None:
    """One frame for each slice with something to see; the middle slice where nothing was found.

    Of an image outside the limits one frame says so. None after a failure: there may be no image.
    Raises InputError where the images can no longer be read.
    """
    if not isinstance(material.result, Prediction):
        return None
    slices = shown_slices(material.answer, material.image.spatial)
    frames = same_size([burned(material, k) for k in slices])
    result = new_object(material, "capture", MultiFrameTrueColorSecondaryCaptureImageStorage, modality="OT")
    result.ConversionType = "WSD"
    result.SecondaryCaptureDeviceManufacturer = result.Manufacturer
    result.SecondaryCaptureDeviceManufacturerModelName = result.ManufacturerModelName
    result.SecondaryCaptureDeviceSoftwareVersions = result.SoftwareVersions
    result.ImageType = ["DERIVED", "SECONDARY"]
    result.PatientOrientation = ""
    keep_laterality(result, material.first_headers[0])
    result.BurnedInAnnotation = "YES"
    result.RecognizableVisualFeatures = "NO"
    result.DerivationDescription = DERIVATION
    result.ImageComments = plain(material.settings.warning, 1024)
    _keep_loss(result, material)
    _refer(result, material, slices)
    pixels = np.stack(frames)
    result.SamplesPerPixel, result.PhotometricInterpretation = 3, "RGB"
    result.PlanarConfiguration = 0
    result.NumberOfFrames, result.Rows, result.Columns = pixels.shape[:3]
    result.BitsAllocated, result.BitsStored, result.HighBit, result.PixelRepresentation = 8, 8, 7, 0
    if len(slices) > 1:
        # A vector over the frames: the slice of the source that each shows (C.8.6.3).
        result.PageNumberVector = [k + 1 for k in slices]
        result.FrameIncrementPointer = Tag("PageNumberVector")
    content = pixels.tobytes()
    result.PixelData = content + b"\0" * (len(content) % 2)
    finish(result, material.files[0], material.run, material.headers)
    return result


def same_size(pictures: list[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    """Pictures filled up with black below and on the right to the largest of them."""
    rows, columns = (max(p.shape[axis] for p in pictures) for axis in (0, 1))
    out = []
    for picture in pictures:
        whole = np.zeros((rows, columns, 3), np.uint8)
        whole[: picture.shape[0], : picture.shape[1]] = picture
        out.append(whole)
    return out


def _keep_loss(result: Dataset, material: Material) -> None:
    """What was once compressed with loss stays marked so (PS3.3 C.7.6.1.1.5)."""
    header = material.first_headers[0]
    if str(header.get("LossyImageCompression", "")) == "01":
        for keyword in ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod"):
            if keyword in header:
                setattr(result, keyword, header.get(keyword))


def _refer(result: Dataset, material: Material, slices: list[int]) -> None:
    """Source images: those that are shown (PS3.3 C.7.6.1.1.4)."""
    planes = planes_of(material.first_headers)
    references: dict[str, Dataset] = {}
    for k in slices:
        if k >= len(planes):
            continue
        header, frame = planes[k].header, planes[k].frame
        uid = str(header.SOPInstanceUID)
        item = references.get(uid)
        if item is None:
            item = references[uid] = Dataset()
            item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = header.SOPClassUID, uid
        if frame is not None:
            item.ReferencedFrameNumber = [*list(np.atleast_1d(item.get("ReferencedFrameNumber", []))), frame]
    result.SourceImageSequence = list(references.values())
