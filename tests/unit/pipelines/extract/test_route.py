import pytest

from pipelines.extract.route import MEDIA_TYPES, format_of, kind_of

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
ZIP = b"PK\x03\x04" + bytes(26)


@pytest.mark.req("EXT-01")
@pytest.mark.parametrize(
    ("body", "content_type", "kind"),
    [
        (b"<p>x", "text/html; charset=gbk", "html"),
        (b"%PDF-1.7\n", "application/pdf", "pdf"),
        (ZIP + b"[Content_Types].xml", DOCX, "docx"),
        (b"# x", "text/markdown", "markdown"),
        (b"x", "text/plain", "plain"),
        (b"WEBVTT\n", "text/vtt", "subtitles"),
        (b"1\n00:00:01,000 --> 00:00:02,000\n", "application/x-subrip", "subtitles"),
        (b"\x89PNG\r\n\x1a\n", "image/png", "image"),
        (b"\xff\xd8\xff\xe0", "image/jpeg", "image"),
        (b"II*\x00", "image/tiff", "image"),
        (b"", None, "html"),
        # content types that lie or say nothing
        (b"\xef\xbb\xbf\n%PDF-1.4", "text/html", "pdf"),
        (b"%PDF-1.4", None, "pdf"),
        (ZIP + b"[Content_Types].xml", "application/zip", "docx"),
        (ZIP + b"index.html", "application/zip", "html"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "text/plain", "docx"),
        (b"<!DOCTYPE html><title>404", "application/pdf", "html"),
        (b"<!doctype HTML>", "text/plain", "html"),
        (b"<html lang=zh>", DOCX, "html"),
        (b"not a pdf", "application/pdf", "pdf"),
        (b"WEBVTT\n", "application/octet-stream", "subtitles"),
        (b"\xef\xbb\xbf1\r\n00:00:01,000 --> 00:00:02,000\r\n", "text/plain", "subtitles"),
        (b"1\n00:00:01,000 --> 00:00:02,000\n", None, "subtitles"),
        (b"the bytes %PDF- stand in a text", "text/plain", "plain"),
    ],
)
def test_a_body_goes_to_the_reader_of_its_format(body, content_type, kind):
    assert kind_of(body, content_type) == kind


@pytest.mark.parametrize("content_type", sorted(MEDIA_TYPES))
def test_every_format_has_a_reader(content_type):
    module = format_of(b"x", content_type)
    assert callable(module.read) and callable(module.source_text)
