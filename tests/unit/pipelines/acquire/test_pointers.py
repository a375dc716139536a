import pytest

from pipelines.acquire.pointers import Absent, resolve

# The examples of RFC 6901 section 5
DOCUMENT = {
    "foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, 'k"l': 6, " ": 7, "m~n": 8,
}  # fmt: skip


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("", DOCUMENT), ("/foo", ["bar", "baz"]), ("/foo/0", "bar"), ("/", 0), ("/a~1b", 1), ("/c%d", 2), ("/e^f", 3),
        ("/g|h", 4), ("/i\\j", 5), ('/k"l', 6), ("/ ", 7), ("/m~0n", 8),
    ],
)  # fmt: skip
def test_the_examples_of_the_standard(pointer, value):
    assert resolve(DOCUMENT, pointer) == value


@pytest.mark.parametrize("pointer", ["/nothing", "/foo/2", "/foo/01", "/foo/-", "/foo/x", "/a~1b/c"])
def test_nothing_stands_there(pointer):
    with pytest.raises(Absent):
        resolve(DOCUMENT, pointer)


def test_a_pointer_begins_with_a_slash():
    with pytest.raises(ValueError):
        resolve(DOCUMENT, "foo")
