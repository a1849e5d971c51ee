"""Does a group differ? Scans of many subjects become numbers a muscle, tests, test-retest figures and a page."""
