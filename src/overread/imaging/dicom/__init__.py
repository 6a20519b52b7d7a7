"""Reading DICOM: files, planes, stacks of slices, pixels, and what they say of themselves."""

from overread.imaging.dicom.series import group_series, read_all, read_datasets, read_headers, read_series

__all__ = ["group_series", "read_all", "read_datasets", "read_headers", "read_series"]
