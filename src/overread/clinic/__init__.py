"""The DICOM node: receive, spool, assemble, predict, deliver."""
