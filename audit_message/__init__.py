"""DICOM PS3.15 A.5 audit messages: bytes to objects and back."""
