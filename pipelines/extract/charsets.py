"""Encoding labels of the WHATWG Encoding Standard and the Python codecs that decode them.

A label maps to a name of the standard; a name maps to the codecs to try, in order. Where Python's codec of the same
name is narrower than the standard's decoder (gb2312, shift_jis, euc-kr) the wider one stands here.
"""

from __future__ import annotations

_LABELS = {
    "utf-8": "utf-8 utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8",
    "utf-16le": "utf-16 utf-16le utf16 csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff",
    "utf-16be": "utf-16be unicodefffe",
    "utf-32le": "utf-32 utf-32le",
    "utf-32be": "utf-32be",
    "gbk": "gbk gb2312 gb_2312 gb_2312-80 chinese csgb2312 csiso58gb231280 iso-ir-58 x-gbk cp936 ms936 euc-cn",
    "gb18030": "gb18030",
    "hz-gb-2312": "hz-gb-2312 hz",
    "big5": "big5 big5-hkscs big5hkscs cn-big5 csbig5 x-x-big5 cp950",
    "euc-jp": "euc-jp euc_jp cseucpkdfmtjapanese x-euc-jp",
    "iso-2022-jp": "iso-2022-jp iso2022_jp csiso2022jp",
    "shift_jis": "shift_jis shift-jis sjis x-sjis ms_kanji windows-31j csshiftjis ms932 cp932",
    "euc-kr": "euc-kr euc_kr cp949 windows-949 ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 korean "
    "cseuckr iso-ir-149",
    "johab": "johab cp1361",
    "windows-1250": "windows-1250 cp1250 x-cp1250",
    "windows-1251": "windows-1251 cp1251 x-cp1251",
    "windows-1252": "windows-1252 cp1252 x-cp1252 iso-8859-1 iso8859-1 iso88591 iso_8859-1 latin1 l1 ascii us-ascii "
    "ansi_x3.4-1968 cp819 ibm819 iso-ir-100 csisolatin1 x-user-defined",
    "windows-1253": "windows-1253 cp1253 x-cp1253",
    "windows-1254": "windows-1254 cp1254 x-cp1254 iso-8859-9 iso8859-9 iso_8859-9 latin5 l5 csisolatin5",
    "windows-1255": "windows-1255 cp1255 x-cp1255",
    "windows-1256": "windows-1256 cp1256 x-cp1256",
    "windows-1257": "windows-1257 cp1257 x-cp1257",
    "windows-1258": "windows-1258 cp1258 x-cp1258",
    "windows-874": "windows-874 tis-620 iso-8859-11 iso8859-11 dos-874 cp874",
    "iso-8859-2": "iso-8859-2 iso8859-2 iso_8859-2 latin2 l2 csisolatin2",
    "iso-8859-3": "iso-8859-3 iso8859-3 iso_8859-3 latin3",
    "iso-8859-4": "iso-8859-4 iso8859-4 iso_8859-4 latin4",
    "iso-8859-5": "iso-8859-5 iso8859-5 iso_8859-5 cyrillic csisolatincyrillic",
    "iso-8859-6": "iso-8859-6 iso8859-6 iso_8859-6 arabic asmo-708",
    "iso-8859-7": "iso-8859-7 iso8859-7 iso_8859-7 greek greek8 ecma-118",
    "iso-8859-8": "iso-8859-8 iso8859-8 iso_8859-8 iso-8859-8-i iso-8859-8-e hebrew visual logical",
    "iso-8859-10": "iso-8859-10 iso8859-10 latin6",
    "iso-8859-13": "iso-8859-13 iso8859-13",
    "iso-8859-14": "iso-8859-14 iso8859-14",
    "iso-8859-15": "iso-8859-15 iso8859-15 iso_8859-15 latin9 l9",
    "iso-8859-16": "iso-8859-16 iso8859-16",
    "koi8-r": "koi8-r koi8 koi8_r koi cskoi8r",
    "koi8-u": "koi8-u koi8-ru",
    "macintosh": "macintosh mac x-mac-roman csmacintosh macroman mac-roman",
    "x-mac-cyrillic": "x-mac-cyrillic x-mac-ukrainian maccyrillic mac-cyrillic",
    "ibm866": "ibm866 cp866 866 csibm866",
    "ibm855": "ibm855 cp855",
}
NAME_OF = {label: name for name, labels in _LABELS.items() for label in labels.split()}
_CODECS = {
    "gbk": ("gb18030",),
    "hz-gb-2312": ("hz",),
    "big5": ("cp950", "big5hkscs"),
    "euc-jp": ("euc_jp", "euc_jis_2004"),
    "shift_jis": ("cp932", "shift_jis_2004"),
    "euc-kr": ("cp949",),
    "windows-874": ("cp874",),
    "macintosh": ("mac_roman",),
    "x-mac-cyrillic": ("mac_cyrillic",),
}
#: Names whose characters outside ASCII take two bytes or more: a wrong guess among them shows in the text.
MULTIBYTE = frozenset({"gbk", "gb18030", "big5", "euc-jp", "shift_jis", "euc-kr", "johab"})


def name_of(label: str | None) -> str | None:
    """The standard's name for a label, None for an unknown one."""
    return NAME_OF.get(label.strip(" \t\r\n\f\"'").lower()) if label else None


def codecs_of(name: str) -> tuple[str, ...]:
    """Python codecs for a name of the standard, best first."""
    return _CODECS.get(name, (name,))
