"""
From values to JSON, in one place. Products are ready bytes and stay as they are.
"""

from __future__ import annotations

import functools

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import orjson
import xxhash

from aiohttp import hdrs, web

from recommender.address import to_address
from recommender.bought import Bought, Purchases
from recommender.census import Category
from recommender.position import ClusterTime
from recommender.reasons import Reasons
from recommender.snapshot import Hit, Row
from server.freshness import Freshness
from server.sentence import to_sentence


DECIMALS: Final = 9  # as far as scores are compared
PRIVATE: Final = "private, no-store"
ANY: Final = "*"
NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
CACHE_CONTROL: Final = web.AppKey("cache_control", str)  # of what anybody may see
_TRUTH: Final = {True: "true", False: "false"}


@dataclass(frozen=True, slots=True)
class Items:
    """
    A JSON array of products.

    Attributes:
        body: The array.
        tag: Changes when a caller would see another product, another order, or
            something else of a product. Scores have no part in it: each product that
            comes or goes anywhere moves all of them a little.
        keys: Of the products.
    """

    body: bytes
    tag: str
    keys: Sequence[bytes] = ()


def to_hits(hits: Sequence[Hit], fields: Sequence[str] = ()) -> Items:
    """
    Return *hits* as items with id, score and product.

    Args:
        fields: Of the product; none means all.
    """
    shown = [(hit.key, _to_shown(hit.display, fields)) for hit in hits]
    scores = _to_scores([hit.score for hit in hits])
    body = _to_array(
        b'{"id":%b,"score":%b,"product":%b}' % (_to_id(key), score, display)
        for score, (key, display) in zip(scores, shown, strict=True)
    )
    return Items(body, _to_tag(shown), [key for key, _ in shown])


def to_explained(
    hits: Sequence[Hit], reasons: Sequence[Reasons], fields: Sequence[str] = ()
) -> Items:
    """
    Return *hits* as items that say why, too; the tag follows the sentences.
    """
    shown, items = [], []
    scores = _to_scores([hit.score for hit in hits])
    for hit, score, why in zip(hits, scores, reasons, strict=True):
        display = _to_shown(hit.display, fields)
        sentence = orjson.dumps(to_sentence(why))
        parts = _to_id(hit.key), score, display, _to_why(why, sentence)
        items.append(b'{"id":%b,"score":%b,"product":%b,"explain":%b}' % parts)
        shown.append((hit.key, display + sentence))
    return Items(_to_array(items), _to_tag(shown), [key for key, _ in shown])


def to_bought(
    found: Sequence[Bought],
    fields: Sequence[str] = (),
    sentences: Sequence[str] | None = None,
) -> Items:
    """
    Return what was bought as items with id, score, orders and product; with *sentences*,
    why, too. The tag follows the sentences, not each further order.
    """
    shown, items = [], []
    scores = _to_scores([round(one.score, DECIMALS) for one in found])
    for place, one in enumerate(found):
        display = _to_shown(one.display, fields)
        why = b""
        if sentences is not None:
            why = b',"explain":%b' % _to_bought_why(one, sentences[place])
        parts = _to_id(one.key), scores[place], one.orders, display, why
        items.append(b'{"id":%b,"score":%b,"orders":%d,"product":%b%b}' % parts)
        shown.append((one.key, display + why))
    return Items(_to_array(items), _to_tag(shown))


def to_orders(fresh: Freshness | None, purchases: Purchases) -> dict[str, Any]:
    """
    Return what an answer says of the orders beside its items: null when there are none.
    """
    if fresh is None:
        return {"orders": None}
    counts = {"counted": purchases.total, "with_product": purchases.asked}
    return {"orders": {**to_model(fresh), **counts}}


def to_products(rows: Sequence[Row], fields: Sequence[str] = ()) -> Items:
    """
    Return products as items with id and product.
    """
    shown = [(row.key, _to_shown(row.display, fields)) for row in rows]
    body = _to_array(
        b'{"id":%b,"product":%b}' % (_to_id(key), display) for key, display in shown
    )
    return Items(body, _to_tag(shown))


def to_categories(categories: Sequence[Category]) -> Items:
    """
    Return categories as items with path, name and products.
    """
    body = orjson.dumps(categories)
    return Items(body, xxhash.xxh3_64_hexdigest(body))


class Result(NamedTuple):
    """
    The answer to one of several requests.

    Attributes:
        items: What was found.
        unknown: Ids that mean no product.
    """

    items: Items
    unknown: Sequence[str]


def to_results(results: Iterable[Result], fresh: Freshness) -> web.Response:
    """
    Return the answer to several requests at once, which no cache keeps.
    """
    parts = _to_array(
        b'{"items":%b,"unknown":%b}' % (items.body, orjson.dumps(unknown))
        for items, unknown in results
    )
    body = b'{"results":%b,"model":%b}' % (parts, orjson.dumps(to_model(fresh)))
    headers = {"Content-Type": "application/json", "Cache-Control": PRIVATE}
    return web.Response(body=body, headers=headers)


def to_answer(
    request: web.Request,
    items: Items,
    fresh: Freshness,
    *,
    is_private: bool = False,
    orders: Mapping[str, Any] = NOTHING,
) -> web.Response:
    """
    Return the answer to *request*: the items with the model that they come from, or
    304 when the caller has these very items.

    Args:
        is_private: Whether only this caller may see it.
        orders: What is said of the orders, if they are part of it.
    """
    is_waited = fresh.reached is not None
    headers = {
        "Content-Type": "application/json",
        "Cache-Control": PRIVATE
        if is_private or is_waited
        else request.app[CACHE_CONTROL],
        "ETag": to_etag(items),
    }
    if _has(request, items.tag):
        del headers["Content-Type"]
        return web.Response(status=304, headers=headers)
    return web.Response(body=to_body(items, fresh, orders), headers=headers)


def to_body(
    items: Items, fresh: Freshness, orders: Mapping[str, Any] = NOTHING
) -> bytes:
    """
    Return the body of an answer.
    """
    beside = _to_beside(fresh) if not orders else _to_members(orders, fresh)
    return b'{"items":%b,%b' % (items.body, beside)


def to_etag(items: Items) -> str:
    """
    Return what caches compare.
    """
    return f'W/"{items.tag}"'


def to_json(content: dict[str, Any], status: int = 200) -> web.Response:
    """
    Return an answer that no cache keeps.
    """
    return web.Response(
        status=status,
        body=orjson.dumps(content),
        headers={"Content-Type": "application/json", "Cache-Control": "no-store"},
    )


def to_model(fresh: Freshness) -> dict[str, Any]:
    """
    Return what every answer says of its model.
    """
    model: dict[str, Any] = {
        "generation": fresh.generation,
        "as_of": to_iso(fresh.as_of),
        "cluster_time": fresh.as_of.to_text(),
        "lag_ms": fresh.lag_ms,
        "stale": fresh.stale,
    }
    if fresh.stale:
        model["reason"] = fresh.reason
    if fresh.reached is not None:
        model["reached"] = fresh.reached
    return model


@functools.lru_cache(maxsize=16)  # many answers are of one freshness
def to_headers(fresh: Freshness) -> Mapping[str, str]:
    """
    Return the same as headers.
    """
    headers = {
        "Evershelf-Generation": str(fresh.generation),
        "Evershelf-As-Of": to_iso(fresh.as_of),
        "Evershelf-Cluster-Time": fresh.as_of.to_text(),
        "Evershelf-Stale": _TRUTH[fresh.stale],
    }
    if fresh.lag_ms is not None:
        headers["Evershelf-Lag-Ms"] = str(fresh.lag_ms)
    if fresh.stale:
        headers["Evershelf-Stale-Reason"] = fresh.reason
    if fresh.reached is not None:
        headers["Evershelf-Reached"] = _TRUTH[fresh.reached]
    return headers


@functools.lru_cache(maxsize=64)
def to_iso(time: ClusterTime) -> str:
    """
    Return *time* in UTC, to the second, which is what it tells.
    """
    return f"{datetime.fromtimestamp(time.seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


@functools.lru_cache(maxsize=16)
def _to_beside(fresh: Freshness) -> bytes:
    return _to_members(NOTHING, fresh)


def _to_members(orders: Mapping[str, Any], fresh: Freshness) -> bytes:
    """
    Return what stands behind the items, to the end of the object.
    """
    return orjson.dumps({**orders, "model": to_model(fresh)})[1:]


def _to_array(items: Iterable[bytes]) -> bytes:
    return b"[%b]" % b",".join(items)


def _to_why(reasons: Reasons, sentence: bytes) -> bytes:
    price = reasons.price
    return orjson.dumps(
        {
            "sentence": orjson.Fragment(sentence),
            "terms": [
                {
                    "term": term.label,
                    "field": term.origin.value,
                    "contribution": round(term.contribution, DECIMALS),
                }
                for term in reasons.terms
            ],
            "shares": {o.value: round(s, DECIMALS) for o, s in reasons.shares.items()},
            "price": price
            and {
                "closeness": round(price.closeness, DECIMALS),
                "difference": round(price.difference, DECIMALS),
            },
        }
    )


def _to_bought_why(one: Bought, sentence: str) -> bytes:
    text = one.text / one.score
    shares = {"text": round(text, DECIMALS), "orders": round(1 - text, DECIMALS)}
    return orjson.dumps({"sentence": sentence, "shares": shares})


def _to_scores(scores: Sequence[float]) -> list[bytes]:
    """
    Return each of *scores*, at nine decimals already, as JSON, written all at once.
    """
    return orjson.dumps(scores)[1:-1].split(b",") if scores else []


def _to_shown(display: bytes, fields: Sequence[str]) -> bytes:
    if not fields:
        return display
    product = orjson.loads(display)
    return orjson.dumps({name: product[name] for name in fields if name in product})


def _to_tag(shown: Iterable[tuple[bytes, bytes]]) -> str:
    digest = xxhash.xxh3_64()
    for key, display in shown:  # JSON after JSON, so it is clear where each ends
        digest.update(key)
        digest.update(display)
    return digest.hexdigest()


def _to_id(key: bytes) -> bytes:
    return orjson.dumps(to_address(key))


def _has(request: web.Request, tag: str) -> bool:
    if hdrs.IF_NONE_MATCH not in request.headers:  # as most come
        return False
    known = request.if_none_match or ()
    return any(etag.value in {tag, ANY} for etag in known)
