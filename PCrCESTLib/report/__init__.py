"""One result folder as a page that a radiologist can read, print and put in the record."""
