"""The builders of small lakes lie here and beside the laws."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "laws"), str(Path(__file__).parent)]
