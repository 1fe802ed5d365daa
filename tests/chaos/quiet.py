"""
Quiet points: nobody writes, nothing is broken, and everything must agree.
"""

from __future__ import annotations

import random

from typing import Final

from pymongo.read_concern import ReadConcern

from listener.clock import Clock
from listener.keys import to_key
from listener.mongo.client import CODEC
from listener.verify import Verification
from recommender.address import to_address
from recommender.store import StoreReader
from tests.chaos.cluster import Cluster
from tests.chaos.journal import Journal
from tests.chaos.served import WEIGHTS, Expected, served_differences, to_product
from tests.chaos.shopfront import Shopfront
from tests.chaos.stock import DATABASE, NAME, POOL, make_id
from tests.support.followed import mongo_source


SHOWN: Final = 10  # differences of a kind


class QuietPoint:
    """
    Looks whether the model is what the collection says, and served so.
    """

    def __init__(
        self, shopfront: Shopfront, cluster: Cluster, journal: Journal
    ) -> None:
        self._shopfront = shopfront
        self._cluster = cluster
        self._journal = journal

    def check(self, chance: random.Random) -> None:
        """
        Wait until everything has settled, and compare.

        Raises:
            TimeoutError: It did not settle.
        """
        self._cluster.await_whole()
        self._journal.write("the members are whole")
        self._shopfront.await_following(self._cluster.now())
        self._journal.write("the listener follows")
        self._verify()
        self._journal.write("verified")
        self._compare(chance)

    def _verify(self) -> None:
        uri = self._shopfront.pair.environment["MONGODB_URI"]
        folder = self._shopfront.pair.data_dir / "model"
        with mongo_source(uri, DATABASE, NAME, to_product=to_product) as source:
            reader = StoreReader(folder)
            report = Verification(source, reader, WEIGHTS, Clock()).run()
        if report.differences or report.behind or report.unsettled:
            self._journal.count("divergences", "verify", len(report.differences))
            found = "\n".join(map(str, report.differences[:SHOWN]))
            self._journal.fail(
                f"verify: {len(report.differences)} differences, "
                f"behind {report.behind}, unsettled {report.unsettled}\n{found}"
            )
        self._journal.count("verified", "products", report.products)
        self._journal.count("verified", "rankings", report.rankings)

    def _compare(self, chance: random.Random) -> None:
        products = self._cluster.client[DATABASE].get_collection(
            NAME, codec_options=CODEC, read_concern=ReadConcern("majority")
        )
        expected = Expected.of(list(products.find()))
        pool = [to_address(to_key(make_id(number))) for number in range(POOL)]
        unknown = [address for address in pool if address not in expected.products]
        found = list(served_differences(self._shopfront, expected, unknown, chance))
        if found:
            self._journal.count("divergences", "served", len(found))
            self._journal.fail("served differently:\n" + "\n".join(found[:SHOWN]))
