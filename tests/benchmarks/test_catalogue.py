"""
The generated catalogue.
"""

from __future__ import annotations

import itertools
import re

from collections import Counter

from benchmarks.catalogue import Document, generate, generate_new, to_text
from benchmarks.words import to_model_number, to_word


def take(count: int, seed: int = 0) -> list[Document]:
    return list(itertools.islice(generate(seed), count))


def words_of(documents: list[Document]) -> list[set[str]]:
    return [set(re.findall(r"\w{2,}", to_text(d).lower())) for d in documents]


def test_one_seed_gives_one_catalogue() -> None:
    """
    The same seed gives the same products, a larger size the same ones first; another
    seed gives others.
    """
    assert take(300) == take(500)[:300]
    assert take(10) != take(10, seed=1)


def test_ids_are_unique() -> None:
    """
    No two products have one id, the new ones of another seed neither.
    """
    new = [
        *itertools.islice(generate_new(1), 500),
        *itertools.islice(generate_new(2), 500),
    ]
    ids = [document["_id"] for document in (*take(5_000), *new)]

    assert len(set(ids)) == len(ids)


def test_vocabulary_grows_with_the_catalogue() -> None:
    """
    Ten times the products have many more words, but not ten times as many beside their
    model numbers; each product has about 34.
    """
    documents = take(10_000)
    words = words_of(documents)
    small, large = set().union(*words[:1_000]), set().union(*words)
    own = len(large) - 10_000, len(small) - 1_000

    assert 2 < own[0] / own[1] < 8
    assert 32 < sum(map(len, words)) / len(words) < 36


def test_words_are_common_and_rare() -> None:
    """
    A few words are in many products, most in one or two; and each product has a word of
    its own, its model number.
    """
    words = words_of(take(10_000))
    counts = Counter(itertools.chain.from_iterable(words))

    assert 0.1 < counts.most_common(1)[0][1] / len(words) < 0.4
    assert sum(count <= 2 for count in counts.values()) > len(counts) / 2
    assert all(min(counts[word] for word in one) == 1 for one in words)


def test_variants_share_a_description() -> None:
    """
    A good part of the products are variants of others; their names still differ.
    """
    documents = take(5_000)
    counts = Counter(document["description"] for document in documents)
    variants = sum(count for count in counts.values() if count > 1)

    assert 0.4 < variants / len(documents) < 0.9
    assert max(counts.values()) <= 12
    assert len({document["name"] for document in documents}) == len(documents)


def test_brands_and_categories_are_unevenly_common() -> None:
    """
    The commonest brand and category have many times the share of the middle one.
    """
    documents = take(10_000)
    for value in ("brand", "category"):
        counts = sorted(Counter(str(d[value]) for d in documents).values())
        assert counts[-1] > 10 * counts[len(counts) // 2]


def test_no_two_numbers_give_one_word() -> None:
    """
    Words and model numbers are as many as their numbers.
    """
    count = 50_000

    assert len({to_word(number) for number in range(count)}) == count
    assert len({to_model_number(number) for number in range(count)}) == count
