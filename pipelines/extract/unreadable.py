"""Documents that cannot be read, and why."""

from __future__ import annotations


class Unreadable(ValueError):
    """`rule`, `value`, `threshold` and `detail` are those of the reject."""

    def __init__(
        self, rule: str, detail: str | None = None, value: float | None = None, threshold: float | None = None
    ) -> None:
        super().__init__(rule)
        self.rule, self.detail, self.value, self.threshold = rule, detail, value, threshold
