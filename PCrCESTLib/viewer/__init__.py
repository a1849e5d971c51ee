"""The tool in a browser, on Slicer's own libraries without its window; each browser session is one process."""
