"""DICOM: classic, enhanced and mosaic images, one series or one series an offset."""
