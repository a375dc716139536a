"""Two evaluators of expectations on one row of measured figures, with the same verdicts.

Great Expectations where it is installed (extra `gate`), and a few lines of our own, so that the core can gate too.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any, Protocol

from jobs.errors import ConfigError, Terminal
from jobs.gates.suite import ARGUMENTS, BETWEEN, IN_SET, PAIR_EQUAL, Expectation

Row = Mapping[str, float]


class Evaluator(Protocol):
    name: str
    version: str

    def evaluate(self, row: Row, expectations: Sequence[Expectation]) -> list[bool]:
        """Whether each holds. Every column of every expectation is in `row`, a finite number."""
        ...


def _between(row: Row, kwargs: Mapping[str, Any]) -> bool:
    value, low, high = row[kwargs["column"]], kwargs.get("min_value"), kwargs.get("max_value")
    above = low is None or (value > low if kwargs.get("strict_min") else value >= low)
    below = high is None or (value < high if kwargs.get("strict_max") else value <= high)
    return above and below


def _in_set(row: Row, kwargs: Mapping[str, Any]) -> bool:
    return row[kwargs["column"]] in kwargs["value_set"]


def _pair_equal(row: Row, kwargs: Mapping[str, Any]) -> bool:
    return row[kwargs["column_A"]] == row[kwargs["column_B"]]


_RULES: dict[str, Callable[[Row, Mapping[str, Any]], bool]] = {
    BETWEEN: _between,
    IN_SET: _in_set,
    PAIR_EQUAL: _pair_equal,
}
assert _RULES.keys() == ARGUMENTS.keys()


class BuiltIn:
    name, version = "built-in", "1"

    def evaluate(self, row: Row, expectations: Sequence[Expectation]) -> list[bool]:
        unknown = sorted({e.type for e in expectations} - _RULES.keys())
        if unknown:
            known = ", ".join(_RULES)
            raise ConfigError(f"{unknown[0]} needs Great Expectations: install the extra `gate`, or use {known}")
        return [_RULES[e.type](row, e.kwargs) for e in expectations]


class GreatExpectations:
    """The pandas engine on an ephemeral context: nothing is written, nothing is sent."""

    name = "great_expectations"

    def __init__(self) -> None:
        os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")  # read when it is imported
        import great_expectations

        self._gx = great_expectations
        self.version: str = great_expectations.__version__

    def evaluate(self, row: Row, expectations: Sequence[Expectation]) -> list[bool]:
        import pandas
        from great_expectations.core.expectation_suite import ExpectationSuite
        from great_expectations.data_context.types.base import ProgressBarsConfig

        if not expectations:
            return []
        context = self._gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        batch = (
            context.data_sources.add_pandas("figures")
            .add_dataframe_asset("row")
            .add_batch_definition_whole_dataframe("all")
            .get_batch({"dataframe": pandas.DataFrame([dict(row)])})
        )
        given = [{"type": e.type, "kwargs": dict(e.kwargs), "meta": {"at": at}} for at, e in enumerate(expectations)]
        try:
            suite = ExpectationSuite(name="figures", expectations=given)
            unread = {e.type for e in expectations} - {e.expectation_type for e in suite.expectations}
            if len(suite.expectations) < len(given):  # what it does not know it logs and leaves out
                raise ConfigError(
                    f"Great Expectations cannot use {', '.join(sorted(unread)) or 'an entry'}; see its log"
                )
            suite = context.suites.add(suite)
        except ConfigError:
            raise
        except Exception as error:  # wrong arguments: it has no error class of its own for them
            raise ConfigError(f"Great Expectations refuses the suite: {type(error).__name__}: {error}") from error
        verdicts: dict[int, bool] = {}
        for result in batch.validate(suite).results:
            assert result.expectation_config is not None
            at = result.expectation_config.meta["at"]
            if result.exception_info.get("raised_exception"):
                raise Terminal(f"{expectations[at].id}: Great Expectations failed: {result.exception_info}")
            verdicts[at] = bool(result.success)
        return [verdicts[at] for at in range(len(expectations))]


def evaluator(name: str = "auto") -> Evaluator:
    """`great_expectations`, `built-in`, or `auto`: the former where it is installed. Raises ConfigError."""
    installed = find_spec("great_expectations") is not None
    if name == "great_expectations" and not installed:
        raise ConfigError("gate.engine: Great Expectations is not installed; pip install 'nightmill[gate]'")
    return GreatExpectations() if installed and name != BuiltIn.name else BuiltIn()
