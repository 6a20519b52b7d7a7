"""Readers and writers of files that are not DICOM."""
