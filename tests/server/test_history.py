from server import history as histories
from server.history import History
from tests.support.products import (
    ids,
    make_catalogue,
    make_product,
    make_snapshot,
)


def make_history(*numbers):
    """
    Return a history of generations with these numbers, each with one product more.
    """
    history, before = History(), None
    for number in numbers:
        catalogue = [make_product(f"p{i}", "kettle") for i in range(number)]
        after = make_snapshot(catalogue, generation=number)
        history.note(before, after)
        before = after
    return history


def to_id(number):
    """
    Return the id of the generation that *make_history* makes with this number.
    """
    return make_history(number).newest.id


def numbers(changes):
    return changes if changes is None else [change.generation for change in changes]


def test_nothing_yet():
    """
    Before the first generation there is nothing to go on from.
    """
    history = History()

    assert history.newest is None
    assert history.since("0") is None
    assert history.since("") is None


def test_what_came_since():
    """
    From any generation that was served one can go on.
    """
    history = make_history(2, 3, 5, 9)

    assert numbers(history.since(to_id(2))) == [3, 5, 9]
    assert numbers(history.since(to_id(5))) == [9]
    assert numbers(history.since(to_id(9))) == []
    assert history.since(to_id(1)) is None
    assert history.since(to_id(4)) is None
    (change,) = history.since(to_id(5))
    assert ids(change.difference.changed) == ["p5", "p6", "p7", "p8"]


def test_newest_changes_nothing_by_itself():
    """
    Who comes new is told where things stand.
    """
    newest = make_history(2, 3).newest

    assert (newest.generation, newest.visible) == (3, 3)
    assert newest.difference.changed == ()


def test_store_made_anew():
    """
    A number that falls, or stays, ends what was known.
    """
    for number in (2, 5):
        history = make_history(4, 5, number)

        assert numbers(history.since(to_id(number))) == []
        assert history.since(to_id(4)) is None


def test_only_so_much_is_kept(monkeypatch):
    """
    The oldest are forgotten, by their number and by what they name.
    """
    monkeypatch.setattr(histories, "MOST_CHANGES", 2)
    assert numbers(make_history(1, 2, 3, 4).since(to_id(2))) == [3, 4]
    assert make_history(1, 2, 3, 4).since(to_id(1)) is None

    monkeypatch.setattr(histories, "MOST_KEYS", 3)
    assert numbers(make_history(1, 2, 5).since(to_id(2))) == [5]
    assert make_history(1, 2, 5).since(to_id(1)) is None


def test_more_than_can_be_named():
    """
    A change of very many names none.
    """
    history = History()
    one = make_snapshot(make_catalogue(3), generation=1)
    history.note(None, one)
    known = history.newest.id
    history.note(one, make_snapshot(make_catalogue(800), generation=2))

    (change,) = history.since(known)

    assert change.difference.is_complete is False
    assert change.difference.changed == ()
