"""Licences: from what sources and pages write to SPDX identifiers, and whether the policy admits them.

The policy prefers open licences and excludes what forbids commercial use or changes, reserved rights and paid content.
Open is meant as in the Open Definition 2.1: attribution and share-alike are conditions, not restrictions. This is a
filter, not legal advice; `unknown` is for a person to decide.
"""

from __future__ import annotations

import re
from typing import Literal

Verdict = Literal["open", "restricted", "unknown"]
MAX_CHARACTERS = 2_000  # of a statement that are looked at

_OPEN = """
0BSD AFL-3.0 AGPL-3.0-only AGPL-3.0-or-later Apache-1.1 Apache-2.0 Artistic-2.0 BSD-2-Clause BSD-3-Clause
BSD-3-Clause-Clear BSD-4-Clause BSL-1.0 CC-PDDC CC-PDM-1.0 CC0-1.0 CDLA-Permissive-1.0 CDLA-Permissive-2.0
CDLA-Sharing-1.0 DL-DE-BY-2.0 DL-DE-ZERO-2.0 ECL-2.0 EPL-1.0 EPL-2.0 EUPL-1.1 EUPL-1.2 etalab-2.0 FSFAP GFDL-1.1-only
GFDL-1.1-or-later GFDL-1.2-only GFDL-1.2-or-later GFDL-1.3-only GFDL-1.3-or-later GPL-2.0-only GPL-2.0-or-later
GPL-3.0-only GPL-3.0-or-later ISC LGPL-2.0-only LGPL-2.0-or-later LGPL-2.1-only LGPL-2.1-or-later LGPL-3.0-only
LGPL-3.0-or-later LPPL-1.3c MIT MIT-0 MPL-1.1 MPL-2.0 MS-PL MulanPSL-1.0 MulanPSL-2.0 MulanPubL-2.0 NCSA NLOD-2.0
O-UDA-1.0 ODbL-1.0 ODC-By-1.0 OFL-1.1 OGL-Canada-2.0 OGL-UK-1.0 OGL-UK-2.0 OGL-UK-3.0 OSL-3.0 PDDL-1.0 PostgreSQL
PSF-2.0 Python-2.0 Unlicense UPL-1.0 Vim W3C WTFPL Zlib
"""
# Source-available or for research: they limit business.
_RESTRICTED = "BUSL-1.1 C-UDA-1.0 Elastic-2.0 PolyForm-Noncommercial-1.0.0 PolyForm-Small-Business-1.0.0 SSPL-1.0"
_IDS = {name.lower(): name for name in (_OPEN + _RESTRICTED).split()}
_LIMITED = frozenset(_RESTRICTED.split())

# Squeezed names (see _squeezed) that are no identifiers. The GNU family, Creative Commons and URLs have rules below.
_NAMES = {
    "apache": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "asl 2.0": "Apache-2.0",
    "expat": "MIT",
    "bsd 2 clause": "BSD-2-Clause",
    "simplified bsd": "BSD-2-Clause",
    "freebsd": "BSD-2-Clause",
    "bsd 3 clause": "BSD-3-Clause",
    "new bsd": "BSD-3-Clause",
    "modified bsd": "BSD-3-Clause",
    "mozilla public 2.0": "MPL-2.0",
    "mpl 2": "MPL-2.0",
    "boost software 1.0": "BSL-1.0",
    "eclipse public 2.0": "EPL-2.0",
    "european union public 1.2": "EUPL-1.2",
    "artistic 2.0": "Artistic-2.0",
    "unlicence": "Unlicense",
    "odbl": "ODbL-1.0",
    "open database": "ODbL-1.0",
    "open database 1.0": "ODbL-1.0",
    "odc by": "ODC-By-1.0",
    "open data commons attribution": "ODC-By-1.0",
    "open data commons attribution 1.0": "ODC-By-1.0",
    "pddl": "PDDL-1.0",
    "open data commons public domain dedication and": "PDDL-1.0",
    "open government 3.0": "OGL-UK-3.0",
    "ogl 3.0": "OGL-UK-3.0",
    "gfdl": "GFDL-1.3-or-later",
    "gnu free documentation": "GFDL-1.3-or-later",
    "gnu自由文档许可证": "GFDL-1.3-or-later",
    "c uda": "C-UDA-1.0",
    "o uda": "O-UDA-1.0",
    "cdla permissive": "CDLA-Permissive-2.0",
    "cc0": "CC0-1.0",
    "cc 0": "CC0-1.0",
    "cc0 1.0 universal": "CC0-1.0",
    "cc zero": "CC0-1.0",
    "creative commons zero": "CC0-1.0",
    "creative commons zero 1.0 universal": "CC0-1.0",
    "public domain": "CC-PDDC",
    "public domain mark": "CC-PDM-1.0",
    "public domain mark 1.0": "CC-PDM-1.0",
    "公有领域": "CC-PDDC",
    "公共领域": "CC-PDDC",
    "公有領域": "CC-PDDC",
    "公眾領域": "CC-PDDC",
    "木兰宽松许可证": "MulanPSL-2.0",
    "木兰宽松许可证 2": "MulanPSL-2.0",
    "木兰宽松许可证第2版": "MulanPSL-2.0",
    "麻省理工许可证": "MIT",
}
_HOSTS = (
    (re.compile(r"opensource\.org/licenses?/([\w.-]+)"), None),
    (re.compile(r"(?:spdx\.org|choosealicense\.com)/licenses/([\w.-]+)"), None),
    (re.compile(r"apache\.org/licenses/license-([12]\.[01])"), "Apache-{}"),
    (re.compile(r"gnu\.org/(?:licenses|copyleft)/(?:old-licenses/)?([a-z]+-\d\.\d)"), "{}"),
    (re.compile(r"opendatacommons\.org/licenses/odbl"), "ODbL-1.0"),
    (re.compile(r"opendatacommons\.org/licenses/by"), "ODC-By-1.0"),
    (re.compile(r"opendatacommons\.org/licenses/pddl"), "PDDL-1.0"),
    (re.compile(r"nationalarchives\.gov\.uk/doc/open-government-licen[cs]e/version/([123])"), "OGL-UK-{}.0"),
    (re.compile(r"mozilla\.org/(?:[\w-]+/)?mpl/(2\.0|1\.1)"), "MPL-{}"),
    (re.compile(r"license\.coscl\.org\.cn/mulanpsl([12]?)"), "MulanPSL-{}.0"),
)
_GNU = re.compile(
    r"(?:gnu )?(?P<kind>agpl|lgpl|gpl|gfdl|affero general public|lesser general public|general public|"
    r"free documentation)[ -]?v?(?P<version>\d(?:\.\d)?)(?P<later>\+|[ -]or[ -](?:any[ -])?later)?(?:[ -]only)?"
)
_GNU_NAMES = {
    "affero general public": "AGPL",
    "lesser general public": "LGPL",
    "general public": "GPL",
    "free documentation": "GFDL",
}
_FILLER = re.compile(
    r"\b(?:the|licen[cs]ed?|version|ver|v(?=\d)|under|software foundation)\b|[(),:;\"'®©]|[（），：；]"
)
_SPACES = re.compile(r"[\s_]+")

# Creative Commons: words of one licence name, elements by name in both languages, versions.
_CC_URL = re.compile(r"creativecommons\.org/licen[cs]es/(?P<elements>[a-z+-]+)(?:/(?P<version>\d\.\d))?")
_CC_PUBLIC = re.compile(r"creativecommons\.org/publicdomain/(?P<kind>zero|mark)")
_CC_SHORT = re.compile(r"\bcc[\s_-]{0,3}(?P<elements>by(?:[\s_-]{0,3}(?:nc|nd|sa))*)(?![a-z])", re.ASCII)
_CC_NAME = re.compile(r"creative commons|\bcc\b|知识共享|知識共享|创作共用|創用", re.ASCII)
_CC_ELEMENTS = (
    ("nc", re.compile(r"non-?\s?commercial|非商业|非商業")),
    ("nd", re.compile(r"no-?\s?deriv|禁止演绎|禁止改作|禁止演繹")),
    ("sa", re.compile(r"share-?\s?alike|相同方式共享|相同方式分享")),
)
_CC_BY = re.compile(r"attribution|署名|姓名標示")
_VERSION = re.compile(r"(?<![\d.])([1-4]\.[05])(?![\d.])")

# No wide gaps: a statement may be a paragraph that speaks of several things.
_FORBIDS = re.compile(
    r"non-?\s?commercial|not[- ]for[- ](?:commercial|profit)|no commercial|no[- ]deriv|"
    r"(?:research|academic|personal|educational|evaluation)(?: use| purposes)? only|"
    r"only for (?:research|academic|personal|educational)|all rights? reserved|proprietary|confidential|"
    r"no (?:reproduction|redistribution|copying|ai training|text and data mining)|"
    r"may not be (?:reproduced|copied|redistributed|republished)|"
    r"subscribers? only|subscription|pay-?wall|paid (?:news|content|article|subscri)|premium content|"
    r"非商[业業]|(?:不得|禁止|不可|不能|不允许|严禁|嚴禁)[^。;；]{0,12}(?:商用|商业|商業|转载|轉載|复制|複製|摘编|镜像|抓取|训练)|"
    r"[仅僅只][供限用][^。;；]{0,8}(?:学习|研究|学术|学術|個人|个人|教育|教学|学习|交流|學術|學習)|"
    r"版权所有|版權所有|保留所有权利|保留所有權利|保留一切权利|著作權所有|未经[^。;；]{0,16}(?:许可|授权|同意|允许)|"
    r"未經[^。;；]{0,16}(?:許可|授權|同意)|付费|付費|收费(?:内容|新闻)|(?:会员|會員|订阅|訂閱)(?:专享|專享|可见|内容|用户)"
)
_RESERVED = re.compile(r"all rights? reserved|版权所有|版權所有|保留(?:所有|一切)权利|保留所有權利|著作權所有")
_GRANTS = re.compile(
    r"public[- ]?domain|公[有共]领域|公[有眾]領域|可(?:免费)?商用|允许商用|允许商业使用|free for commercial use|"
    r"(?:may|can) be used commercially"
)


def spdx(text: str) -> str | None:
    """The SPDX identifier of a licence given as identifier, URL or name (English or Chinese); else None.

    `A OR B` and `A AND B` give an expression if every part is known. A family without version ("CC BY") is None.
    """
    text = text[:MAX_CHARACTERS].strip()
    parts = re.split(r"\s+(OR|AND)\s+", text)
    if 1 < len(parts) <= 9:
        found = [part if at % 2 else _one(part) for at, part in enumerate(parts)]
        return " ".join(part for part in found if part) if all(found) else None
    return _one(text)


def verdict(licence: str) -> Verdict:
    """What the policy says to a licence in SPDX form or in words. Restricted: no commercial use, no changes, reserved
    rights, paid content. Of `A OR B` the better counts, of `A AND B` the worse."""
    text = licence[:MAX_CHARACTERS].strip()
    for word, better in (("OR", True), ("AND", False)):
        parts = re.split(rf"\s+{word}\s+", text)
        if 1 < len(parts) <= 9:
            order: tuple[Verdict, ...] = ("open", "unknown", "restricted")
            ranks = [order.index(verdict(part)) for part in parts]
            return order[min(ranks) if better else max(ranks)]
    lower = text.lower()
    elements = _creative_commons(lower)
    if elements is not None:
        return "restricted" if {"nc", "nd"} & set(elements[0]) else "open"
    known = _one(text)
    if known in _LIMITED:
        return "restricted"
    # "© All rights reserved, MIT licence" grants; "MIT, for research only" does not.
    if _FORBIDS.search(_RESERVED.sub(" ", lower) if known else lower):
        return "restricted"
    return "open" if known or _GRANTS.search(lower) else "unknown"


def _one(text: str) -> str | None:
    lower = text.lower().strip().removeprefix("license:").strip()
    plain = _IDS.get(lower)
    if plain:
        return plain
    public = _CC_PUBLIC.search(lower)
    if public:
        return "CC0-1.0" if public["kind"] == "zero" else "CC-PDM-1.0"
    commons = _creative_commons(lower)
    if commons is not None:
        elements, version = commons
        return "-".join(("CC", *(e.upper() for e in elements), version)) if version else None
    for pattern, form in _HOSTS:
        at = pattern.search(lower)
        if at:
            part = at[1] if pattern.groups else ""
            named = form.format(part or "2") if form else re.sub(r"\.(?:html|txt|json|php)$", "", part)
            return _IDS.get(named.lower()) or _gnu(named.lower())
    squeezed = _squeezed(lower)
    return _IDS.get(squeezed.replace(" ", "-")) or _NAMES.get(squeezed) or _gnu(squeezed)


def _squeezed(lower: str) -> str:
    """A name without articles, `license`, `version`, brackets and hyphens: "The MIT License (MIT)" is "mit"."""
    text = re.sub(r"\([^()]{0,40}\)\s*$", "", lower)
    text = _FILLER.sub(" ", text).replace("-", " ")
    return _SPACES.sub(" ", text).strip()


def _gnu(text: str) -> str | None:
    found = _GNU.fullmatch(text)
    if not found:
        return None
    version = found["version"] if "." in found["version"] else f"{found['version']}.0"
    kind = _GNU_NAMES.get(found["kind"], found["kind"].upper())
    return _IDS.get(f"{kind}-{version}-{'or-later' if found['later'] else 'only'}".lower())


def _creative_commons(lower: str) -> tuple[tuple[str, ...], str | None] | None:
    """(elements, version) of a Creative Commons licence other than CC0, in the order of its identifier; else None."""
    url = _CC_URL.search(lower)
    if url:
        said = set(re.split(r"[-+]", url["elements"]))
        if not said & {"by", "nc", "nd", "sa"}:
            return None
        version = url["version"]
    else:
        short = _CC_SHORT.search(lower)
        if short:
            said = set(re.findall(r"by|nc|nd|sa", short["elements"]))
            rest = lower[short.end() :]
        elif _CC_BY.search(lower) and (_CC_NAME.search(lower) or (_CC_BY.match(lower) and _VERSION.search(lower))):
            said = {"by", *(element for element, pattern in _CC_ELEMENTS if pattern.search(lower))}
            rest = lower
        else:
            return None
        found = _VERSION.search(rest)
        version = found[1] if found else None
    return tuple(element for element in ("by", "nc", "nd", "sa") if element in said), version
