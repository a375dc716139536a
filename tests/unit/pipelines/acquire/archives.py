"""Makers of WARC records and HTTP replies."""

HTML = "<html><body><p>渡船清晨七点离开港口 the ferry leaves at seven</p></body></html>".encode()


def record(
    block, kind="response", url="http://example.org/", content_type="application/http; msgtype=response", **more
):
    fields = {
        "WARC-Type": kind,
        "WARC-Target-URI": url,
        "WARC-Date": "2024-05-01T12:00:00Z",
        "WARC-Record-ID": "<urn:uuid:0>",
        "Content-Type": content_type,
        "Content-Length": str(len(block)),
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value is not None)
    return b"WARC/1.0\r\n" + head.encode() + b"\r\n" + block + b"\r\n\r\n"


def reply(body=HTML, status=200, **headers):
    head = "".join(f"{n.replace('_', '-')}: {v}\r\n" for n, v in {"Content_Type": "text/html", **headers}.items())
    return f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + body


def chunked(body, size=7):
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
