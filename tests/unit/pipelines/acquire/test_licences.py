import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.acquire.licences import spdx, verdict


@pytest.mark.parametrize(
    ("text", "identifier"),
    [
        ("MIT", "MIT"),
        ("apache-2.0", "Apache-2.0"),
        ("license:cc-by-nc-4.0", "CC-BY-NC-4.0"),
        ("The MIT License (MIT)", "MIT"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("https://www.apache.org/licenses/LICENSE-2.0.txt", "Apache-2.0"),
        ("https://opensource.org/licenses/BSD-3-Clause", "BSD-3-Clause"),
        ("BSD 3-Clause License", "BSD-3-Clause"),
        ("http://creativecommons.org/licenses/by/4.0/", "CC-BY-4.0"),
        ("https://creativecommons.org/licenses/by-nc-sa/3.0/cn/deed.zh", "CC-BY-NC-SA-3.0"),
        ("//creativecommons.org/licenses/by-nd-nc/1.0/", "CC-BY-NC-ND-1.0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
        ("https://creativecommons.org/publicdomain/mark/1.0/deed.de", "CC-PDM-1.0"),
        ("CC BY-SA 4.0", "CC-BY-SA-4.0"),
        ("cc by nc nd 2.5", "CC-BY-NC-ND-2.5"),
        ("CC-BY-4.0", "CC-BY-4.0"),
        ("Creative Commons Attribution-NonCommercial-ShareAlike 4.0 International License", "CC-BY-NC-SA-4.0"),
        ("Attribution-ShareAlike 3.0 Unported", "CC-BY-SA-3.0"),
        ("知识共享 署名-非商业性使用-相同方式共享 4.0 国际许可协议", "CC-BY-NC-SA-4.0"),
        ("創用CC 姓名標示-禁止改作 3.0 台灣", "CC-BY-ND-3.0"),
        ("CC0", "CC0-1.0"),
        ("CC0 1.0 Universal", "CC0-1.0"),
        ("GPL-3.0", "GPL-3.0-only"),
        ("GNU General Public License v3.0 or later", "GPL-3.0-or-later"),
        ("LGPLv2.1+", "LGPL-2.1-or-later"),
        ("https://www.gnu.org/licenses/agpl-3.0.html", "AGPL-3.0-only"),
        ("https://opendatacommons.org/licenses/odbl/1-0/", "ODbL-1.0"),
        ("https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/", "OGL-UK-3.0"),
        ("木兰宽松许可证 第2版", None),
        ("木兰宽松许可证第2版", "MulanPSL-2.0"),
        ("http://license.coscl.org.cn/MulanPSL2", "MulanPSL-2.0"),
        ("公有领域", "CC-PDDC"),
        ("MIT OR Apache-2.0", "MIT OR Apache-2.0"),
        ("CC BY-SA 4.0 AND GFDL", "CC-BY-SA-4.0 AND GFDL-1.3-or-later"),
        ("MIT OR my own", None),
        ("CC BY", None),
        ("unknown", None),
        ("", None),
        ("other", None),
        ("commitment to the public", None),
        ("https://example.org/terms", None),
        ("https://creativecommons.org/", None),
    ],
)
def test_identifiers(text, identifier):
    assert spdx(text) == identifier


@pytest.mark.req("CMP-02")
@pytest.mark.parametrize(
    ("licence", "says"),
    [
        ("CC-BY-4.0", "open"),
        ("CC BY", "open"),
        ("CC-BY-SA-4.0", "open"),
        ("CC0-1.0", "open"),
        ("MIT", "open"),
        ("Apache License 2.0", "open"),
        ("public domain (US government work)", "open"),
        ("免费可商用", "open"),
        ("© 2024 Example Ltd. All rights reserved. Licensed under CC BY 4.0", "open"),
        ("CC-BY-NC-4.0", "restricted"),
        ("CC BY-NC", "restricted"),
        ("https://creativecommons.org/licenses/by-nc-nd/4.0/", "restricted"),
        ("CC-BY-ND-4.0", "restricted"),
        ("署名-非商业性使用 4.0 国际", "restricted"),
        ("BUSL-1.1", "restricted"),
        ("All Rights Reserved", "restricted"),
        ("版权所有，未经授权不得转载", "restricted"),
        ("本站内容禁止商用", "restricted"),
        ("仅供个人学习与研究使用", "restricted"),
        ("for academic use only", "restricted"),
        ("research only", "restricted"),
        ("MIT, for research only", "restricted"),
        ("subscribers only", "restricted"),
        ("付费新闻", "restricted"),
        ("paid news", "restricted"),
        ("proprietary", "restricted"),
        ("unknown", "unknown"),
        ("", "unknown"),
        ("other", "unknown"),
        ("https://example.org/terms", "unknown"),
        ("llama3.1", "unknown"),
        ("转载请署名 example.com", "unknown"),
        ("attribution required, contact us", "unknown"),
        ("CC-BY-NC-4.0 OR MIT", "open"),
        ("CC-BY-NC-4.0 AND MIT", "restricted"),
        ("something OR CC-BY-NC-4.0", "unknown"),
    ],
)
def test_policy(licence, says):
    assert verdict(licence) == says


@given(st.text(max_size=100))
def test_an_identifier_is_its_own_identifier_and_nothing_raises(text):
    found = spdx(text)
    assert verdict(text) in ("open", "restricted", "unknown")
    if found:
        assert spdx(found) == found


def test_long_statements_are_cut():
    start = time.process_time()
    for text in ("cc by" * 100_000, "(" * 500_000, "未经" * 200_000, "MIT OR " * 100_000, " " * 500_000 + "x"):
        spdx(text), verdict(text)
    assert time.process_time() - start < 2
