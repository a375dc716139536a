import io

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


@pytest.fixture(scope="session")
def pdf():
    """Makes a PDF of pages; a page is a list of (x, y from the top, size, font, text) and functions of the canvas."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfgen.canvas import Canvas

    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))

    def make(pages, size=(595, 842), author=None, **about):
        out = io.BytesIO()
        canvas = Canvas(out, pagesize=size, invariant=1, pageCompression=1, **about)
        if author:
            canvas.setAuthor(author)
        for page in pages:
            for each in page:
                if callable(each):
                    each(canvas)
                    continue
                x, y, points, font, text = each
                canvas.setFont(font, points)
                canvas.drawString(x, size[1] - y, text)
            canvas.showPage()
        canvas.save()
        return out.getvalue()

    return make
