"""The MRML scene: series, maps, muscles, tables and plots as nodes of 3D Slicer, without Qt.

Used by the Slicer module and by the browser viewer. ``slicer`` and ``vtk`` are imported inside the functions, so that
the library can be imported where neither is installed.
"""
