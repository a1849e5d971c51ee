"""A result folder of ``pcrcest quantify`` as DICOM objects for the PACS: parametric maps, regions, table."""

from __future__ import annotations

from PCrCESTLib.dicom_export.export import Exported, ExportOptions, export_dicom

__all__ = ["ExportOptions", "Exported", "export_dicom"]
