"""A candidate built by hand: the datasets of one night, written without running the jobs that usually write them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
