"""
Public catalogues, when they lie beside the checkout.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from listener.demo.jsonl import Line, read_lines
from listener.evaluate.catalogue import Catalogue
from listener.evaluate.truth import Truth, read_groups, to_truth
from listener.mapping import Mapper
from listener.opening import to_weights
from recommender.product import Product
from recommender.settings import ListenerSettings, load_settings


FOLDER: Final = Path(__file__).parents[3] / "shared" / "data"
FILES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "icecat": "icecat.jsonl.gz",
        "bestbuy": "bestbuy_phones.jsonl.gz",
        "aws": "aws_retail_demo.jsonl.gz",
    }
)
RATINGS: Final = "icecat_ratings.csv.gz"


@dataclass(frozen=True, slots=True)
class Material:
    """
    N products in order of their places.

    Attributes:
        catalogue: With the served model.
        products: As that has them, (N,).
        documents: As the file has them, (N,).
    """

    name: str
    catalogue: Catalogue
    products: Sequence[Product]
    documents: Sequence[Mapping[str, Any]]

    @property
    def texts(self) -> list[str]:
        """
        All texts and the brand in one text each, (N,).
        """
        return [
            " ".join([*product.texts.values(), product.brand])
            for product in self.products
        ]

    @property
    def prose(self) -> list[str]:
        """
        The same without attributes, (N,).
        """
        return [
            " ".join(
                [text for name, text in product.texts.items() if name != "attributes"]
                + [product.brand]
            )
            for product in self.products
        ]

    @property
    def sentences(self) -> list[str]:
        """
        The name, and the description where it says more, (N,).
        """
        return [
            _to_sentences(
                product.texts.get("name", ""), product.texts.get("description", "")
            )
            for product in self.products
        ]


def _to_sentences(name: str, description: str) -> str:
    return name if description in name else f"{name}. {description}"


def read_material(name: str, folder: Path = FOLDER) -> Material:
    """
    Return a catalogue of `FILES`, mapped and trained with the default settings.

    Raises:
        FileNotFoundError: It is not there.
    """
    path = there(folder / FILES[name])
    settings = load_settings(ListenerSettings, [])
    mapper = Mapper(settings)
    read: dict[bytes, tuple[Product, Mapping[str, Any]]] = {}
    for line in read_lines(path):
        if isinstance(line, Line):
            product = mapper.to_product(line.document).product
            read[product.key] = product, line.document
    catalogue = Catalogue.train(
        (product for product, _ in read.values()), to_weights(settings)
    )
    kept = [read[key] for key in catalogue.places]
    return Material(
        name,
        catalogue,
        [product for product, _ in kept],
        [document for _, document in kept],
    )


def read_catalogue(path: Path) -> Catalogue:
    """
    Return the products of a file, mapped and trained with the default settings.
    """
    settings = load_settings(ListenerSettings, [])
    mapper = Mapper(settings)
    products = (
        mapper.to_product(line.document).product
        for line in read_lines(path)
        if isinstance(line, Line)
    )
    return Catalogue.train(products, to_weights(settings))


def read_ratings(catalogue: Catalogue, folder: Path = FOLDER) -> Truth:
    """
    Return what people say of Icecat's products: those rated highest for the same query
    are alike.

    Raises:
        FileNotFoundError: It is not there.
    """
    groups = read_groups(there(folder / RATINGS))
    return to_truth(groups, catalogue, catalogue.places)


def there(path: Path) -> Path:
    """
    Return *path* if a file is there.

    Raises:
        FileNotFoundError: None is.
    """
    if not path.exists():
        msg = f"../shared/data/{path.name} is not beside this checkout"
        raise FileNotFoundError(msg)
    return path
