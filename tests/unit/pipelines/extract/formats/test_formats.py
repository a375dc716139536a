"""All formats through the stage: each body to its reader, whatever its content type says, and one outcome each."""

import io
import zipfile

import pyarrow as pa
import pytest

from pipelines.extract.stage import apply
from pipelines.params import ExtractParams

PARAMS = ExtractParams(min_characters=5)
SENTENCE = "A sentence that says enough to be a text of its own."
DOCX = (
    '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r>'
    f"<w:t>{SENTENCE}</w:t></w:r></w:p></w:body></w:document>"
)


def word():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", DOCX)
    return out.getvalue()


@pytest.mark.req("EXT-01")
def test_a_batch_of_all_formats(pdf):
    bodies = [
        (f"<html><body><article><p>{SENTENCE}</p></article></body></html>".encode(), "text/html", "html"),
        (pdf([[(72, 100, 10, "Helvetica", SENTENCE)]]), "text/html", "pdf"),
        (word(), "application/octet-stream", "docx"),
        (f"# Title\n\n{SENTENCE}\n".encode(), "text/markdown", "markdown"),
        (SENTENCE.encode("utf-16"), "text/plain", "plain"),
        (f"1\n00:00:01,000 --> 00:00:02,000\n{SENTENCE}\n".encode(), "text/plain", "subtitles"),
        (b"\x89PNG\r\n\x1a\n", "image/png", None),
        (b"%PDF-1.4 broken", "application/pdf", None),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/msword", None),
        (b"", "text/plain", None),
    ]
    batch = pa.table({
        "doc_id": [f"{at:032x}" for at in range(len(bodies))],
        "body": pa.array([body for body, _, _ in bodies], pa.binary()),
        "content_type": [kind for _, kind, _ in bodies],
        "final_url": [None] * len(bodies),
    })  # fmt: skip
    emitted = apply(PARAMS, batch)
    assert emitted.rows["kind"].to_pylist() == [kind for *_, kind in bodies if kind]
    assert all(SENTENCE in text for text in emitted.rows["text"].to_pylist())
    assert emitted.rejects["rule"].to_pylist() == [
        "needs_ocr", "broken_document", "unsupported_document", "empty_page"
    ]  # fmt: skip
