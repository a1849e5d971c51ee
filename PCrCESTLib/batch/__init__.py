"""Many scans: found in a folder or a table, quantified on this computer or a cluster, each once."""

from PCrCESTLib.batch.job import Job, Outcome
from PCrCESTLib.batch.run import run_batch

__all__ = ["Job", "Outcome", "run_batch"]
