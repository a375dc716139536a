import runpy
from pathlib import Path

import pytest

_EXAMPLE = runpy.run_path(str(Path(__file__).with_name("example.py")))
EVERY_STATE = ("night", "first", "refused", "huge")


@pytest.fixture
def example():
    """The example facts by name: `example("night")`."""
    return lambda name: _EXAMPLE[name]()


@pytest.fixture(params=EVERY_STATE)
def facts(request):
    """Each of the example snapshots in turn."""
    return _EXAMPLE[request.param]()
