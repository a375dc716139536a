import pytest

from pipelines.edits import normalise


@pytest.fixture(scope="session")
def replayed():
    """Checks that edits lead from a source to a text: what they leave alone is there, their lengths add up."""

    def check(source, text, edits):
        assert list(edits) == normalise(edits)
        at = shift = 0
        for edit in edits:
            assert source[at : edit.start] == text[at + shift : edit.start + shift]
            shift += edit.new_length - (edit.end - edit.start)
            at = edit.end
        assert source[at:] == text[at + shift :]
        assert len(text) == len(source) + shift

    return check
