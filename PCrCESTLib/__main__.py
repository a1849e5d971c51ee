"""``python -m PCrCESTLib …`` is ``pcrcest …``."""

import sys

from PCrCESTLib.cli import main

sys.exit(main())
