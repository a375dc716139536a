"""The laws share one small lake builder; it lies beside them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
