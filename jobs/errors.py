"""Every error of the platform and the exit code it ends with.

    NightmillError
    ├── Transient                 1  failed, retry may help (network, lock, server down)
    └── Terminal                  4  do not retry
        ├── UsageError            2  command line, unknown dataset or version
        │   └── ConfigError       2  params.yaml: file, line, nearest valid name
        ├── GateRefused           3  expectations did not pass, or a verdict says hold
        └── NotEnoughData         5  no verdict can be given

A message says what happened, in which row or file, and what to do next. Anything else that escapes a job is a
defect: it ends with exit code 1 and is treated as transient, since a crash may be the machine's.
"""

from __future__ import annotations

DONE, FAILED, USAGE, REFUSED, TERMINAL, NOT_ENOUGH_DATA = 0, 1, 2, 3, 4, 5


class NightmillError(Exception):
    exit_code = FAILED
    outcome = "transient"


class Transient(NightmillError):
    pass


class Terminal(NightmillError):
    exit_code = TERMINAL
    outcome = "terminal"


class UsageError(Terminal):
    exit_code = USAGE
    outcome = "usage"


class ConfigError(UsageError):
    pass


class GateRefused(Terminal):
    exit_code = REFUSED
    outcome = "refused"


class NotEnoughData(Terminal):
    exit_code = NOT_ENOUGH_DATA
    outcome = "not_enough_data"
