"""What a record is: every shape with the names its fields go by, how it is recognised, and what becomes of it.

Shapes are many, kinds are few: Alpaca, Dolly and FLAN all become the kind `instruction`, which is what is stored and
what `pipelines.extract.formats.record` renders. A shape is recognised by the names of its fields; the first that
matches, in the order of SHAPES, is it. A record that matches none is a `record`: any database row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.acquire import annotated, dialogues, instructions, products, request_logs
from pipelines.acquire.values import Malformed, View, language_of, nested, required

Fields = dict[str, Any]
#: Kinds of canonical records; the `shape` of their content type.
KINDS = (
    "text",
    "qa",
    "instruction",
    "dialogue",
    "preference",
    "labelled",
    "parallel",
    "product",
    "record",
    "request_log",
)


@dataclass(frozen=True)
class Shape:
    """`needs` are the fields that must be there, `names` the names that fields go by beside their own."""

    name: str
    kind: str
    about: str
    needs: tuple[str, ...]
    names: Mapping[str, tuple[str, ...]]
    convert: Callable[[View], Iterator[Fields]]
    test: Callable[[View], bool] | None = None  # a further condition for recognition
    grouped: bool = False  # several records make one; see pipelines.acquire.trees

    def matches(self, view: View) -> bool:
        return all(map(view.has, self.needs)) and (self.test is None or self.test(view))


def _names(**names: str) -> dict[str, tuple[str, ...]]:
    return {field: (field, *given.split()) for field, given in names.items()}


_COMMON = _names(
    lang="language language_code 语言",
    title="headline 标题",
    system="system_prompt",
    category="task task_type type 类别 任务类型",
)
_TEXT = _names(text="content raw_content body document article markdown 正文 内容 文本")
_QA = _names(
    question="query query_text 问题 提问 question_text",
    answer="answers answer_text 答案 回答 最佳答案 best_answer",
    context="passage context_text paragraph 上下文 背景 原文 材料",
)
_INSTRUCTION = _names(instruction="instructions 指令", input="inputs 输入", output="输出")


def _text(view: View) -> Iterator[Fields]:
    yield {"lang": view.get("lang"), "title": view.text("title"), "text": required(view.get("text"), "text")}


def _is_list(field: str) -> Callable[[View], bool]:
    return lambda view: isinstance(nested(view.get(field)), list)


def _is_mapping(field: str) -> Callable[[View], bool]:
    return lambda view: isinstance(nested(view.get(field)), Mapping)


def _is_request(view: View) -> bool:
    return view.has("status") and (view.has("method") or view.has("duration_ms") or "uri" in view.folded)


_LOG = _names(
    time="timestamp ts @timestamp time_local time_iso8601 datetime date 时间",
    service="app application service_name 服务",
    model="model_name 模型",
    method="request_method http_method verb 请求方法",
    path="uri request_uri url request endpoint route 请求路径 接口",
    status="status_code http_status response_code code 状态码",
    duration_ms="latency_ms elapsed_ms cost_ms response_time_ms 耗时",
    bytes="body_bytes_sent response_size",
    question="query prompt 问题 用户问题",
    answer="response completion 答案 回答 模型回答",
)

_SHAPES = (
    Shape("openassistant", "dialogue", "OpenAssistant: a tree with nested `replies`", ("prompt",), {},
          dialogues.nested_tree, lambda v: _is_mapping("prompt")(v) and "replies" in nested(v.get("prompt"))),
    Shape("openassistant_rows", "dialogue", "OpenAssistant: one row per message, joined by `parent_id`",
          ("message_id", "parent_id", "text", "role"), {}, dialogues.dialogue, grouped=True),
    Shape("sharegpt", "dialogue", "ShareGPT: `conversations` of `from` and `value`", ("turns",),
          {"turns": ("conversations", "conversation")} | _COMMON,
          dialogues.dialogue, _is_list("turns")),
    Shape("messages", "dialogue", "OpenAI messages: `messages` of `role` and `content`", ("turns",),
          {"turns": ("messages",)} | _COMMON, dialogues.dialogue, _is_list("turns")),
    Shape("preference", "preference", "`prompt`, `chosen`, `rejected`; HH-RLHF transcripts; message lists",
          ("chosen", "rejected"), _names(prompt="question instruction 问题 指令", chosen="", rejected="") | _COMMON,
          annotated.preference),
    Shape("preference_pair", "preference", "two answers and the number of the better one",
          ("prompt", "response_0", "response_1", "better"),
          _names(prompt="instruction question", response_0="", response_1="", better="better_response_id"),
          annotated.pair),
    Shape("squad", "qa", "SQuAD, CMRC: an article with `paragraphs`", ("paragraphs",), _COMMON,
          instructions.squad, _is_list("paragraphs")),
    Shape("squad_paragraph", "qa", "one paragraph with its `qas`", ("context", "qas"), _COMMON | _QA,
          instructions.paragraph, _is_list("qas")),
    Shape("self_instruct", "instruction", "Self-Instruct: `instruction` with `instances`", ("instruction", "instances"),
          _INSTRUCTION | _COMMON, instructions.self_instruct),
    Shape("alpaca", "instruction", "Alpaca: `instruction`, `input`, `output`", ("instruction", "output"),
          _INSTRUCTION | _COMMON, instructions.instruction),
    Shape("dolly", "instruction", "Dolly: `instruction`, `context`, `response`, `category`", ("instruction", "output"),
          {"instruction": ("instruction", "指令"), "input": ("context", "input", "上下文"),
           "output": ("response", "回答")}
          | _COMMON, instructions.instruction),
    Shape("flan", "instruction", "FLAN: `inputs`, `targets`", ("instruction", "output"),
          {"instruction": ("inputs",), "output": ("targets", "target")} | _COMMON, instructions.instruction),
    Shape("qa", "qa", "`question`, `context`, `answer`; answers as text, list or SQuAD's mapping",
          ("question", "answer"), _QA | _COMMON, instructions.qa),
    Shape("request_log", "request_log", "request logs: business fields only", (), _LOG, request_logs.request_log,
          _is_request),
    Shape("labelled", "labelled", "a text with its labels: safety, factuality, topic", ("text", "label"),
          _names(label="labels is_safe safe verdict rating factual toxicity 标签 情感") | _COMMON
          | {"text": ("text", "sentence", "statement", "claim", "response", "review_text", "content", "文本", "内容"),
             "prompt": ("prompt",)}, annotated.labelled, lambda v: v.get("label") not in (None, "", [])),
    Shape("completion", "instruction", "`prompt`, `completion`", ("instruction", "output"),
          {"instruction": ("prompt",), "output": ("completion", "response")} | _COMMON, instructions.instruction),
    Shape("parallel", "parallel", "the same text in several languages", (),
          _names(translation="translations", source="src source_text 原文", target="tgt tgt_text target_text 译文",
                 source_lang="src_lang source_language", target_lang="tgt_lang target_language"), annotated.parallel,
          lambda v: v.has("translation") or (v.has("source") and v.has("target"))
          or (annotated.are_languages(v) and "text" not in v.folded)),
    Shape("dialogue", "dialogue", "a list of utterances: text, or mappings with speaker and text", ("turns",),
          {"turns": ("turns", "dialogue", "dialog", "utterances", "history", "对话")} | _COMMON, dialogues.dialogue,
          _is_list("turns")),
    Shape("irc", "dialogue", "chat channel logs, a text file with a line per message; nicks become letters", ("turns",),
          {}, dialogues.channel, lambda _: False),
    Shape("product", "product", "shop records: product, reviews, orders, addresses", (), {}, products.product,
          lambda v: products.is_product(set(v.folded))),
    Shape("text", "text", "`text` or `content`, with `title` and `url`", ("text",), _TEXT | _COMMON, _text),
    Shape("record", "record", "any other row, field by field", (), {}, products.record),
)  # fmt: skip
SHAPES: dict[str, Shape] = {shape.name: shape for shape in _SHAPES}
#: Shapes of text files that hold many records; `auto` does not look for them.
LINE_SHAPES = ("request_log", "irc")
_ANY_FIELDS = ("product", "record", "irc")  # fields are columns of one's own, or there are none
#: Source classes of people's own words and traces: what is not recognised is refused, never stored whole.
_STRICT = ("request_log", "query_log", "dialogue_service")


def field_names(shape: Shape) -> frozenset[str]:
    """What a source's `fields` may name for `shape`; empty where that is anything."""
    return frozenset() if shape.name in _ANY_FIELDS else frozenset((*shape.needs, *shape.names))


def shape_of(
    values: Mapping[str, Any], shape: str, fields: Mapping[str, str], source_class: str = ""
) -> tuple[Shape, View]:
    """The shape of a record and the view through which it is read.

    Raises Malformed: `unknown_shape` where nothing fits and the class of the source forbids taking it whole.
    """
    if shape != "auto":
        found = SHAPES.get(shape)
        if found is None:
            raise Malformed("unknown_shape", shape)
        return found, View(values, fields, found.names)
    if source_class == "request_log":
        found = SHAPES["request_log"]
        view = View(values, fields, found.names)
        if not fields and not found.matches(view):
            raise Malformed("unknown_shape", "request_log")
        return found, view
    bare = View(values, fields, {})
    for each in SHAPES.values():
        view = bare.by(each.names)
        if each.matches(view):
            if each.name == "record" and source_class in _STRICT:
                break
            return each, view
    raise Malformed("unknown_shape", source_class)


def canonical(fields: Fields) -> Fields:
    """Without empty parts, the language first and as a tag: what is stored."""
    lang = language_of(fields.get("lang"))
    rest = {name: value for name, value in fields.items() if name != "lang" and value not in ("", None, [])}
    return {"lang": lang, **rest} if lang else rest


def convert(shape: Shape, view: View) -> Iterable[Fields]:
    """The canonical records that one record holds. Raises Malformed, before or between them."""
    return map(canonical, shape.convert(view))
