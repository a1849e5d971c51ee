"""PCrCEST: phosphocreatine fraction and exchange rate from CEST MRI of muscle."""

from PCrCESTLib.errors import PCrCESTError
from PCrCESTLib.version import __version__

__all__ = ["PCrCESTError", "__version__"]
