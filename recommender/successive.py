"""
Arrays of which each is nearly what the one before it was.

The next one lies where the last but one has lain, if nobody holds that any more: then
it costs what has changed since, and no pages that were never touched. What somebody
holds stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, Self, TypeVar, cast
from weakref import ref

import numpy as np

from numpy.typing import NDArray

from recommender.kernels import read_only


N = TypeVar("N", bound=np.generic)
Places = NDArray[np.integer[Any]]


class _Older(NamedTuple):
    """
    An array, gone when nobody holds a part of it, what it lies in until somebody takes
    that, and where it is another than the one after it.
    """

    values: ref[NDArray[Any]]
    memory: list[NDArray[Any]]
    places: Places


@dataclass(frozen=True, slots=True, eq=False)
class Successive(Generic[N]):
    """
    An array of any length, in one dimension, that is never changed.

    Attributes:
        values: Read-only.
    """

    values: NDArray[N]
    _memory: list[NDArray[N]]  # one, until it is taken: by one of all that follow
    _before: _Older | None = None

    @classmethod
    def of(cls, memory: NDArray[N]) -> Self:
        """
        Take *memory*, which nobody else may write to from now on.
        """
        return cls(_over(memory), [memory])

    def replaced(self, places: Places, by: NDArray[N]) -> Self:
        """
        Return what is the same but at *places*, which may be none; it costs what they
        and those of the last time are, or a copy where the last but one is held.
        """
        memory = self._copy()
        memory[places] = by
        older = _Older(ref(self.values), self._memory, places)
        return type(self)(_over(memory), [memory], older)

    def _copy(self) -> NDArray[N]:
        older = self._before
        if older is None or older.values() is not None:
            return self.values.copy()
        try:
            memory = older.memory.pop()
        except IndexError:  # another has followed the same
            return self.values.copy()
        memory[older.places] = self.values[older.places]
        return memory


def _over(memory: NDArray[N]) -> NDArray[N]:
    """
    Return an array that lives for as long as it or a part of it is held. A view would
    not: parts of a view hold what it is of.
    """
    return read_only(np.asarray(cast("Any", memoryview(cast("Any", memory)))))
