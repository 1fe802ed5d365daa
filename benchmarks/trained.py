"""
`python -m benchmarks.trained FILE`: train a model on what FILE holds, a JSON list of
{id, content}; ask it once, and print how many answers it has.
"""

from __future__ import annotations

import sys

from pathlib import Path

from recommender.launch import launching


with launching(if_stopped=1):  # as our processes begin
    import orjson

    from listener.evaluate.catalogue import Catalogue
    from listener.keys import to_key
    from listener.mapping import Mapper
    from listener.opening import to_weights
    from recommender.settings import ListenerSettings, load_settings


LIMIT = 10


def main(arguments: list[str]) -> None:
    """
    Do it.
    """
    documents = orjson.loads(Path(arguments[0]).read_bytes())
    settings = load_settings(ListenerSettings, [])
    mapper = Mapper(settings)
    products = (
        mapper.to_product({"_id": one["id"], "description": one["content"]}).product
        for one in documents
    )
    model = Catalogue.train(products, to_weights(settings)).snapshot
    hits = model.similar(to_key(documents[0]["id"]), limit=LIMIT)
    sys.stdout.write(f"{len(hits)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
