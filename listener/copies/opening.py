"""
The place that an address names.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from listener.clock import Clock
from listener.copies.place import LivePlace, Outlet
from listener.mongo.shelf import open_shelf
from recommender.errors import SettingsFault


S3: Final = "s3://"
NO_EXTRA: Final = "{}: there is no package {}: a bucket needs the extra s3; pip install 'evershelf[s3]'"


class OpenPlace(LivePlace, Outlet, Protocol):
    """
    One to publish to, or to follow.
    """


@contextmanager
def open_place(
    uri: str, what: str, *, setting: str, clock: Clock, other_than: str = ""
) -> Iterator[OpenPlace]:
    """
    Yield what *uri* names: a bucket, if it begins with `S3`, else a database.

    Args:
        uri: Where.
        what: `MODEL` or `ORDERS`.
        setting: The variable that says where.
        clock: To measure silence with.
        other_than: The shop's database, of the same name as which it may not be.

    Raises:
        SettingsFault: The address cannot be right, or a package is missing.
    """
    if not uri.startswith(S3):
        with open_shelf(
            uri, what, setting=setting, other_than=other_than, clock=clock
        ) as shelf:
            yield shelf
        return
    try:
        # only here: what it needs is an extra, which nobody else needs
        from listener.copies.bucket import open_bucket  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise SettingsFault([NO_EXTRA.format(setting, error.name)]) from error
    yield open_bucket(uri, what, setting=setting, clock=clock)
