"""Every error the hub raises on purpose, split by what the caller should do about it.

LsatsError
├── ConfigurationError      change a setting, an option or a declaration   exit code 2
│   └── BadDeclaration      a source, table or world contradicts itself
├── TransientError          the same call may succeed later                exit code 1
│   ├── Busy                somebody else is writing this stream or table
│   └── CallBroken          one call of a source failed, all its tries      (a CallFailed)
├── PermanentError          repeating will not help                        exit code 1
│   ├── CallRefused         a source refused one call                       (a CallFailed)
│   ├── IncompleteRead      the source ended before everything was read
│   ├── CheckBlocked        a blocking quality check held the data back
│   ├── BadFile             a file is damaged, or is not what it has to be
│   └── VerificationFailed  a synthetic world is not as declared           exit code 4
└── Unreachable             database or source does not answer             exit code 5
"""

from __future__ import annotations


class LsatsError(Exception):
    """A failure with a message for people: the thing, the value, the remedy."""

    exit_code = 1


class ConfigurationError(LsatsError):
    """A setting, an option or a declaration has to change before another try."""

    exit_code = 2


class BadDeclaration(ConfigurationError):
    """A source, table or world contradicts itself."""


class TransientError(LsatsError):
    """The same call may succeed later."""


class Busy(TransientError):
    """Somebody else is writing this stream or table."""


class PermanentError(LsatsError):
    """Repeating the call will not help."""


class CallFailed(LsatsError):
    """A source answers, and not one call: what is wrong may be with what was asked for alone.

    `cause` says it in two words, to count by: `HTTP 403`.
    """

    def __init__(self, message: str, cause: str) -> None:
        super().__init__(message)
        self.cause = cause


class CallBroken(CallFailed, TransientError):
    """All tries of one call failed."""


class CallRefused(CallFailed, PermanentError):
    """One call was refused."""


class IncompleteRead(PermanentError):
    """The source ended before everything was read, so absence proves nothing."""


class CheckBlocked(PermanentError):
    """A blocking quality check held the data back."""


class BadFile(PermanentError):
    """A file is damaged, or is not what it has to be; nothing of it was ingested.

    `code` is a short word for tables; `offset` counts bytes of the file as it is written, or of
    the document inside it, as the message says.
    """

    def __init__(self, code: str, message: str, offset: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.offset = offset

    def __reduce__(self) -> tuple[type[BadFile], tuple[str, str, int | None]]:
        """From one process to another."""
        return BadFile, (self.code, str(self), self.offset)


class VerificationFailed(PermanentError):
    """A synthetic world is not as it was declared."""

    exit_code = 4


class Unreachable(LsatsError):
    """The database or a source does not answer."""

    exit_code = 5
