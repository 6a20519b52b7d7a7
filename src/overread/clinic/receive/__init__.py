"""The receive path: DICOM upper layer, associations, C-STORE, and what each instance is kept by."""
