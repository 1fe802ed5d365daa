"""
A mongod whose data is put aside, and put back later.
"""

from __future__ import annotations

import shutil

from pathlib import Path

from listener.demo.mongod import Mongod


class Copies:
    """
    Copies of a mongod's data, by name. It is stopped for each.
    """

    def __init__(self, mongod: Mongod, folder: Path) -> None:
        self._mongod = mongod
        self._data = mongod._folder.data
        self._folder = folder

    def take(self, name: str) -> None:
        """
        Put the data aside.
        """
        self._mongod.stop()
        shutil.copytree(self._data, self._folder / name)
        self._mongod.start()

    def put_back(self, name: str) -> None:
        """
        Let the data be what it was then.
        """
        self._mongod.stop()
        self.remove_all()
        shutil.copytree(self._folder / name, self._data)
        self._mongod.start()

    def remove_all(self) -> None:
        """
        Leave nothing of the data while the mongod is down.
        """
        shutil.rmtree(self._data)
