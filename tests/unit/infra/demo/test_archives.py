"""Reading archives that nobody vouches for."""

import gzip
import io
import re
import shutil
import subprocess
import tarfile

import pytest

from infra.demo.archives import MAX_MEMBER_BYTES, HostileArchiveError, read_members, safe_name

HTML = re.compile(r".*\.html")


def member(name, body=b"<p>x</p>", kind=tarfile.REGTYPE, link=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, len(body)
    return info, body


def pack(path, members, tar_format=tarfile.GNU_FORMAT):
    with tarfile.open(path, "w:gz", format=tar_format) as archive:
        for info, body in members:
            archive.addfile(info, io.BytesIO(body))
    return path


@pytest.mark.parametrize(
    "name",
    [
        "../a.html",
        "a/../b.html",
        "/etc/a.html",
        "a//b.html",
        "a\\b.html",
        ".git/a.html",
        "a\0.html",
        "a\n.html",
        "",
        "x" * 401,
        "C:/a.html",
        "a/./b.html",
    ],
)
def test_names_that_could_lead_astray_are_no_names(name):
    assert safe_name(name) is None


def test_a_plain_name_stays_as_it_is():
    assert safe_name("./doc/orm/a-b_c.1+2~3.html") == "doc/orm/a-b_c.1+2~3.html"


def test_only_regular_files_with_clean_names_come_out(tmp_path):
    path = pack(
        tmp_path / "a.tar.gz",
        [
            member("ok/one.html", b"1"),
            member("../../outside.html"),
            member("/absolute.html"),
            member("link.html", b"", tarfile.SYMTYPE, "/etc/passwd"),
            member("hard.html", b"", tarfile.LNKTYPE, "ok/one.html"),
            member("pipe.html", b"", tarfile.FIFOTYPE),
            member("device.html", b"", tarfile.CHRTYPE),
            member("folder.html", b"", tarfile.DIRTYPE),
            member("other.txt"),
            member("huge.html", bytes(MAX_MEMBER_BYTES + 1)),
            member("ok/two.html", b"2"),
        ],
    )
    assert list(read_members(path, HTML)) == [("ok/one.html", b"1"), ("ok/two.html", b"2")]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.tar.gz"]


def test_a_decompression_bomb_is_stopped(tmp_path):
    path = tmp_path / "bomb.tar.gz"
    with gzip.open(path, "wb") as stream:
        info, _ = member("zeros.bin")
        info.size = 1 << 26
        stream.write(info.tobuf())
        for _ in range(64):
            stream.write(bytes(1 << 20))
    with pytest.raises(HostileArchiveError, match="more than the limit"):
        list(read_members(path, HTML, max_bytes=1 << 20))


def test_too_many_members_are_refused(tmp_path):
    path = pack(tmp_path / "many.tar.gz", [member(f"{n}.html") for n in range(20)])
    assert len(list(read_members(path, HTML, max_members=20))) == 20
    with pytest.raises(HostileArchiveError, match="more than 19 members"):
        list(read_members(path, HTML, max_members=19))


@pytest.mark.parametrize(
    "body", [b"", b"no archive at all", gzip.compress(b"neither is this" * 100, mtime=0), b"\x1f\x8b\x08"]
)
def test_what_is_no_archive_is_an_error(tmp_path, body):
    path = tmp_path / "x.tar.gz"
    path.write_bytes(body)
    with pytest.raises(HostileArchiveError):
        list(read_members(path, HTML))


def test_every_truncation_is_an_error_or_gives_whole_files(tmp_path):
    whole = pack(tmp_path / "a.tar.gz", [member(f"{n}.html", str(n).encode() * 700) for n in range(5)])
    expected = list(read_members(whole, HTML))
    data = whole.read_bytes()
    path = tmp_path / "cut.tar.gz"
    for length in range(0, len(data), 7):
        path.write_bytes(data[:length])
        with pytest.raises(HostileArchiveError):
            got = []
            for item in read_members(path, HTML):
                got.append(item)
        assert got == expected[: len(got)]


def test_a_bad_header_in_the_middle_is_not_taken_for_the_end(tmp_path):
    plain = gzip.decompress(pack(tmp_path / "a.tar.gz", [member("1.html"), member("2.html")]).read_bytes())
    broken = bytearray(plain)
    broken[1024 + 10] ^= 0xFF  # in the second header: its checksum is wrong now
    path = tmp_path / "b.tar.gz"
    path.write_bytes(gzip.compress(bytes(broken)))
    with pytest.raises(HostileArchiveError, match="bad header"):
        list(read_members(path, HTML))


def test_a_long_name_with_a_slash_at_its_hundredth_character_is_a_file(tmp_path):
    name = "d" * 99 + "/page.html"
    info, body = member(name)
    info.type = tarfile.AREGTYPE  # as some packers write regular files
    path = pack(tmp_path / "a.tar.gz", [(info, body), member("after.html")])
    assert [found for found, _ in read_members(path, HTML)] == [name, "after.html"]


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="needs dpkg-deb")
def test_a_debian_package_is_read_and_a_cut_one_is_an_error(tmp_path):
    root = tmp_path / "root"
    (root / "DEBIAN").mkdir(parents=True)
    (root / "DEBIAN/control").write_text(
        "Package: x\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b.c>\nDescription: x\n"
    )
    for number in range(30):
        (root / "usr/share/doc").mkdir(parents=True, exist_ok=True)
        (root / f"usr/share/doc/{number}.html").write_bytes(bytes([number]) * 30_000)
    path = tmp_path / "x_1_all.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", root, path], check=True, stdout=subprocess.DEVNULL)
    assert len(list(read_members(path, HTML))) == 30
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(HostileArchiveError):
        list(read_members(path, HTML))
    first = next(read_members(path, re.compile(r"usr/.*0\.html")), None)  # stopping early must not hang
    assert first is None or first[0].startswith("usr/share/doc/")
