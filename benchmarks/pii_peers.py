"""A peer's search for personal data in its own environment: `pii_peers.py PEER FILE` with JSON lines (text).

datatrove replaces e-mail and IP addresses and prints the number of texts changed; presidio finds what
benchmarks/pii_mapping.json lists and prints the findings per entity.
"""

import collections
import json
import sys
from collections.abc import Iterator


def rows(path: str) -> Iterator[str]:
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)["text"]


def datatrove(path: str) -> dict:
    from datatrove.pipeline.formatters import PIIFormatter

    formatter = PIIFormatter()
    return {"changed": sum(formatter.format(text) != text for text in rows(path))}


def presidio(path: str) -> dict:
    import spacy
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer import predefined_recognizers as known
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    class Blank(SpacyNlpEngine):
        """No model: patterns need tokens only."""

        def __init__(self) -> None:
            super().__init__()
            self.nlp = {"en": spacy.blank("en")}
            self.nlp["en"].max_length = 100_000_000

    registry = RecognizerRegistry()
    for name in ("CreditCardRecognizer", "EmailRecognizer", "IbanRecognizer", "IpRecognizer", "PhoneRecognizer"):
        registry.add_recognizer(getattr(known, name)())
    engine = AnalyzerEngine(registry=registry, nlp_engine=Blank(), supported_languages=["en"])
    counts: collections.Counter = collections.Counter()
    for text in rows(path):
        counts.update(found.entity_type for found in engine.analyze(text=text, language="en"))
    return dict(sorted(counts.items()))


if __name__ == "__main__":
    print(json.dumps({"datatrove": datatrove, "presidio": presidio}[sys.argv[1]](sys.argv[2])))
