"""
`run_listener.py evaluate`: a table, and a report to look at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import structlog

from listener.assembly import CLOCK
from listener.evaluate.asking import sampled
from listener.evaluate.catalogue import Catalogue
from listener.evaluate.evaluation import Evaluation, evaluate
from listener.evaluate.examples import choose_examples
from listener.evaluate.page import to_report
from listener.evaluate.reading import read_collection, read_file, train
from listener.evaluate.result import Model, Result
from listener.evaluate.table import show
from listener.evaluate.truth import read_groups, to_truth
from recommender.errors import SettingsFault
from recommender.exits import Exit
from recommender.logs import is_for_people
from recommender.settings import ListenerSettings, with_file


OURS: Final = "ours"

log = structlog.get_logger()


def evaluate_model(settings: ListenerSettings, address: Callable[[], str]) -> Exit:
    """
    Measure what these settings would recommend, and what others would if a second file
    is named; show it, and write the report.

    Args:
        address: Returns the database's; asked only when no file of products is named.

    Raises:
        SettingsFault: A file or a setting cannot be used, or nothing is visible.
        ListenerError: The products cannot be read.
        OSError: The report cannot be written.
    """
    if not settings.report.absolute().parent.is_dir():
        raise SettingsFault(
            [f"the folder of the report {settings.report} is not there"]
        )
    groups = {} if settings.truth is None else read_groups(settings.truth)
    named = dict(_named(settings))
    catalogues = _train([*named.values()], address)
    evaluations = _evaluate(catalogues, groups, settings.asked)
    result = Result(
        source=settings.collection if settings.file is None else settings.file.name,
        models=tuple(map(Model, named, evaluations)),
        judged=_judged(evaluations[0]),
    )
    show(result, is_pretty=is_for_people(settings.log_format))
    settings.report.write_bytes(to_report(result, choose_examples(catalogues)))
    log.info(
        "evaluate.done",
        source=result.source,
        products=len(catalogues[0]),
        asked=len(evaluations[0].answers),
        judged=result.judged,
        report=str(settings.report),
    )
    return Exit.OK


def _named(settings: ListenerSettings) -> Iterator[tuple[str, ListenerSettings]]:
    yield OURS, settings
    if settings.beside is not None:
        yield settings.beside.name, with_file(settings, settings.beside)


def _train(
    all_settings: Sequence[ListenerSettings], address: Callable[[], str]
) -> list[Catalogue]:
    catalogues = []
    uri = "" if all_settings[0].file else address()
    for settings in all_settings:
        products = (
            read_file(settings, settings.file)
            if settings.file
            else read_collection(settings, uri)
        )
        catalogues.append(train(settings, products))
    return catalogues


def _evaluate(
    catalogues: Sequence[Catalogue], groups: dict[str, set[str]], most: int
) -> list[Evaluation]:
    """
    Ask all models about the same products: those that all of them show.
    """
    shared = set.intersection(*(set(one.places) for one in catalogues))
    keys = sorted(shared)
    asked = [keys[place] for place in sampled(len(keys), most)]
    evaluations = []
    for catalogue in catalogues:
        truth = to_truth(groups, catalogue, shared)
        places = [catalogue.places[key] for key in asked]
        evaluations.append(evaluate(catalogue, places, truth, CLOCK))
    return evaluations


def _judged(evaluation: Evaluation) -> int:
    figure = evaluation.figures.get("ndcg")
    return 0 if figure is None else len(figure.values)
