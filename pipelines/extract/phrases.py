"""Stock phrases of web pages around a main text, in Chinese and English; each rule looks at one short segment."""

from __future__ import annotations

import re

LONGEST_LABEL = 200  # weight of the longest segment that can be a label or byline
LONGEST_NOTICE = 900  # ... a rights notice

# Whole segments, wherever they stand.
_LABEL = re.compile(
    r"(?:advert(?:isement)?s?|ad|text size|share|share this(?: (?:article|story|page|post))?|tweet|pin it|print|e-?mail"
    r"|comments?|(?:leave|post|add|write) a (?:comment|reply)|no comments(?: yet)?|reply|read more|more|related"
    r"|related (?:articles?|stories|posts|news|links|content|topics)|recommended(?: for you)?|loading|skip to content"
    r"|back to top|top|previous|next|(?:previous|next) (?:post|article|page|story)|subscribe|sign up|log in|follow us"
    r"|story continues below(?: advertisement)?|click here|photos?|image|video|table of contents|about the author"
    r"|(?:written|edited|reviewed) by|published|contact us|\d{1,3}[ -]min(?:ute)?s? read"
    r"|广告|分享|分享到|打印|收藏|评论|发表评论|相关(?:阅读|新闻|链接|文章|推荐|报道|专题)|热门(?:评论|推荐|文章)|最新评论"
    r"|推荐阅读|延伸阅读|延伸\s*·\s*推荐|更多|返回顶部|回到顶部|上一[篇页]|下一[篇页]|加载中|点击此处|関連記事|文档附件"
    r"|打印(?:本页|关闭)?|关闭(?:窗口|本页)?|打印\s*关闭|我要(?:跟帖|评论)|已输入\s*\d+\s*字|[热新最]{1,2}评论|(?:全部)?评论\s*[(（]\s*\d+\s*[)）]"
    r"|请登录后再?关注|(?:添加)?关注|订阅|举报|自动播放|图集|标签列表|友情链接|网友评论|参与互动|阅读全文|展开全文|查看全文)[\s:：.…»>]*",
    re.I,
)
# Before the first paragraph: who, when, where.
_HEAD = re.compile(
    r"(?:19|20)\d\d\s*[-/年.]\s*\d{1,2}\s*[-/月.]\s*\d{1,2}|\d{1,2}:\d\d"
    r"|来源于?\s*[:：]|作者\s*[:：]|编辑\s*[:：]|发布时间|发表于|字号|浏览|点击数|阅读[:：(（]|(?:您|你)?(?:现在|当前)的?位置"
    r"|^(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,? )?(?:jan|feb|mar|apr|may|ju[nl]|aug|sep|oct|nov|dec)[a-z]*\.? "
    r"\d{1,2}(?:st|nd|rd|th)?,? (?:19|20)\d\d$"
    r"|^(?:by|published|posted|updated|last updated|photos? by|image)\b(?!.*[.!?]$)",
    re.I,
)
_SENTENCE = re.compile(r"[，。！？；]|[.!?][\"'”’]?$")
# Behind the last paragraph: rights, editors, neighbours, invitations.
_TAIL = re.compile(
    r"责任编辑|责编|本版编辑|编辑\s*[:：]|审核\s*[:：]|来源\s*[:：]|上一[篇页]|下一[篇页]|ICP备|ICP证|关注.{0,12}(?:公众号|微信)|扫.{0,6}码"
    r"|免责声明|^声明\s*[:：]|正文已结束|点击进入专题|相关资讯请关注|感谢您的反馈|请填写原因|供稿|^\(?责编"
    r"|^(?:tags?|filed under|posted in|categories|share this|follow|topics|source|via)\b(?!.*\.$)"
    r"|(?:like|love|enjoy)(?:d)? this (?:story|article|post)|sign up (?:for|to)|subscribe (?:to|now)|click here to"
    r"|follow (?:us|me|him|her) on|share (?:it|this) with",
    re.I,
)
_NOTICE = re.compile(
    r"版权(?:所有|声明|归)|著作权|侵权|未经.{0,20}(?:授权|许可|同意)|(?:谢绝|禁止|不得).{0,6}转载|转载.{0,10}(?:请|须|必须)?(?:注明|联系)"
    r"|all rights reserved|copyright\s|©|may not be (?:published|reproduced|redistributed)",
    re.I,
)


def is_label(text: str) -> bool:
    """A label of the page, not of its text."""
    return len(text) <= 60 and _LABEL.fullmatch(text) is not None


def is_head_line(text: str) -> bool:
    """A byline, date or place line before the first paragraph."""
    return _HEAD.search(text) is not None and _SENTENCE.search(text) is None


def is_tail_line(text: str) -> bool:
    """An editor's line, an invitation or a rights notice behind the last paragraph."""
    if len(text.encode("utf-8", "surrogatepass")) <= LONGEST_LABEL and _TAIL.search(text):
        return True
    return _NOTICE.search(text) is not None
