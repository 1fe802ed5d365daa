"""
What it costs to keep the segments in order, at real sizes.
"""

import random

from recommender.mutation import Delete, Upsert
from tests.support.products import make_catalogue, make_index, make_key, make_product
from tests.support.segments import check_segment


def settle(index):
    """
    Run all merges that the index asks for; return how many rows they wrote.
    """
    written = 0
    while merge := index.merge_due():
        merged = merge.run()
        written += len(merged)
        index.adopt(merge, merged)
    return written


def test_many_small_changes_keep_few_segments_and_rewrite_little():
    """
    Over 6,000 publications of one change each, segments stay few and each row is
    rewritten a number of times that grows with the logarithm of the catalogue.
    """
    draw = random.Random(3)
    catalogue = make_catalogue(4000)
    index = make_index(catalogue)
    index.freeze()
    known = set(index.freeze())
    most = written = 0

    for change in range(6000):
        number = draw.randrange(8000)
        if draw.random() < 0.3:
            index.apply([Delete(make_key(str(number)))])
        else:
            index.apply([Upsert(make_product(str(number), f"tea {change}"))])
        segments = index.freeze()
        written += sum(len(s) for s in segments if s not in known)
        most = max(most, len(segments))
        written += settle(index)
        known = set(index.freeze())

    assert most <= 5
    assert written / 6000 < 25
    for segment in index.freeze():
        check_segment(segment)
    rows = sum(len(segment) for segment in index.freeze())
    assert rows <= 1.2 * index.products
