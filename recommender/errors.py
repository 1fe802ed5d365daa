"""
What can go wrong with the model and its store; the class says what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final


class RecommenderError(Exception):
    """
    Root of the package's errors; its docstring begins with the default message.
    """

    def __init__(self, message: str | None = None) -> None:
        summary = (self.__doc__ or "").split("\n\n", 1)[0]
        super().__init__(message or " ".join(summary.split()))


class StoreEmpty(RecommenderError):  # noqa: N818
    """
    No model has been published here yet: build one, or wait for the listener.
    """


class StoreCorrupt(RecommenderError):  # noqa: N818
    """
    A file of the store does not hold what was written: use another generation,
    else rebuild.
    """


class StoreTooNew(RecommenderError):  # noqa: N818
    """
    The store was written by a newer Evershelf.
    """

    remedy: Final = (
        "upgrade this program; or move the store's folder away, and it builds the model "
        "anew"
    )


class OtherWords(RecommenderError):  # noqa: N818
    """
    The model was made by a version that reads words otherwise: wait for one that is made
    by this version's listener.
    """


class StoreLocked(RecommenderError):  # noqa: N818
    """
    Another listener owns this store: stop it, or give this one its own folder.
    """


class StoreUnusable(RecommenderError):  # noqa: N818
    """
    The folder of the store cannot be made: mend its permissions, or set another one.
    """


class SettingsFault(RecommenderError):  # noqa: N818
    """
    A setting is wrong.
    """

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


class UnknownProduct(RecommenderError):  # noqa: N818
    """
    The model holds no such product.
    """
