"""
The listener's process: arguments in, exit code out.
"""

from __future__ import annotations

import sys

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from typing import Final

import structlog

from listener.assembly import (
    CLOCK,
    has_pool,
    make_daemon,
    make_orders_daemon,
    open_examination,
    to_remote,
    to_workshop,
)
from listener.beside import Follow, beside, of_orders
from listener.complaints import Complaints
from listener.contact import Contact
from listener.control import Control
from listener.copies.command import follow
from listener.copies.opening import open_place
from listener.copies.place import Outlet
from listener.copies.pointer import MODEL, ORDERS
from listener.demo.embedded import embedded
from listener.demo.load import load_file
from listener.details import read_details
from listener.doctor.rounds import Rounds
from listener.errors import ListenerError, Refused
from listener.mongo.source import MongoSource
from listener.nursery import open_nursery
from listener.of_orders import OfOrders
from listener.opening import open_orders, open_source
from listener.orders import OrderMapper
from listener.pool import work as work_in_pool
from listener.profile.first_start import SAMPLE
from listener.profile.page import to_toml
from listener.profile.referred import decide_with
from listener.rebuilds import Requests
from listener.remote import Published
from listener.resync import resync_here, resync_there
from listener.scrape import Scrape
from listener.serving import serve_in_background
from listener.signals import (
    Part,
    Round,
    Stop,
    interrupt_on_signals,
    stop_on_signals,
)
from listener.status import Status
from recommender.errors import RecommenderError, SettingsFault, StoreTooNew
from recommender.exits import Exit
from recommender.logs import is_for_people
from recommender.settings import ListenerSettings, with_schema
from recommender.startup import begin, refuse
from recommender.store import Store, StoreReader
from server.access import Keys


NO_ADDRESS: Final = (
    "MONGODB_URI is not set: set it to the address of your replica set, such as "
    "mongodb://127.0.0.1:27017/shop, or try `make run` (or --demo) for an embedded one"
)
NO_QUEUE: Final = (
    "EVERSHELF_QUEUE_URL is not set: set it to the address of the Redis whose jobs are "
    "to be taken, such as redis://127.0.0.1:6379"
)
NO_EXTRA: Final = (
    "there is no package {}: `work` needs the extra queue; "
    "pip install 'evershelf[queue]'"
)

NO_PLACE: Final = (
    "EVERSHELF_FOLLOW_FROM is not set: set it to the address of the database where "
    "another listener publishes, such as mongodb://127.0.0.1:27017/evershelf, or of a "
    "bucket, s3://bucket/folder"
)

log = structlog.get_logger()


def main(arguments: Sequence[str]) -> Exit:
    """
    Do what *arguments* and the environment ask for; return how it ended.
    """
    try:
        return _do(begin(ListenerSettings, arguments, process="listener"))
    except SettingsFault as error:
        return refuse(error)
    except (Refused, StoreTooNew) as error:
        log.error("listener.refused", error=str(error), remedy=error.remedy)
        return Exit.REFUSED
    except (ListenerError, RecommenderError, OSError) as error:
        log.error("listener.failed", error=str(error))
        return Exit.UNAVAILABLE
    except KeyboardInterrupt:
        log.warning("listener.interrupted")
        return Exit.INTERRUPTED
    except Exception:
        log.exception("listener.crashed")
        return Exit.DEFECT


def _do(settings: ListenerSettings) -> Exit:
    with _processes(settings):  # before anything begins, be it the taking of signals
        if settings.command in GRACEFUL:
            stop = Stop()
            stop_on_signals(stop)
            return GRACEFUL[settings.command](settings, stop)
        interrupt_on_signals()
        return _look(settings)


def _processes(settings: ListenerSettings) -> AbstractContextManager[None]:
    """
    Have processes of this host at hand, if the collection may be read by them.
    """
    if settings.command in SPREADING and has_pool(settings):
        return open_nursery(work_in_pool)
    return nullcontext()


def _run(settings: ListenerSettings, stop: Stop) -> Exit:
    with _address(settings) as uri:
        for in_effect, its in _rounds(settings, stop):
            _follow(in_effect, uri, its)
    return Exit.OK


def _look(settings: ListenerSettings) -> Exit:
    """
    Do what has nothing to finish when it is interrupted.
    """
    match settings.command:
        case "verify":
            with _address(settings) as uri:
                return _verify(settings, uri)
        case "doctor":
            return _examine(settings)
        case "profile":
            with _address(settings) as uri:
                return _profile(settings, uri)
        case "evaluate":
            return _evaluate(settings)
        case "load":
            return load_file(settings)
    msg = f"no such command: {settings.command}"
    raise AssertionError(msg)


@contextmanager
def _address(settings: ListenerSettings) -> Iterator[str]:
    """
    Yield the database's address; with --demo, of one that runs only meanwhile.
    """
    if settings.mongodb_uri is not None:
        yield settings.mongodb_uri.get_secret_value()
    elif settings.demo:
        with embedded(settings) as uri:
            yield uri
    else:
        raise SettingsFault([NO_ADDRESS])


def _examine(settings: ListenerSettings) -> Exit:
    from listener.doctor.show import show  # noqa: PLC0415 with what colours it

    with ExitStack() as stack:
        rounds = Rounds(
            settings,
            address=lambda: stack.enter_context(_address(settings)),
            open_database=lambda uri: stack.enter_context(
                open_examination(settings, uri)
            ),
            remote=to_remote(settings),
            clock=CLOCK,
        )
        is_pretty = is_for_people(settings.log_format)
        is_well = show(rounds.findings(), is_pretty=is_pretty)
    return Exit.OK if is_well else Exit.UNWELL


def _profile(settings: ListenerSettings, uri: str) -> Exit:
    complaints = Complaints(CLOCK.monotonic)
    with open_source(settings, uri, complaints) as source:
        decision = decide_with(source.sample(SAMPLE), source.look_up)
    sys.stdout.write(to_toml(decision, settings.collection))
    return Exit.OK


def _evaluate(settings: ListenerSettings) -> Exit:
    # only here: statistics take a second to import, which a restart need not wait
    from listener.evaluate.command import evaluate_model  # noqa: PLC0415

    if settings.tune:
        from listener.evaluate.tune_command import tune_share  # noqa: PLC0415

        with _address(settings) as uri:
            return tune_share(settings, uri)
    with ExitStack() as stack:
        return evaluate_model(settings, lambda: stack.enter_context(_address(settings)))


def _rounds(
    settings: ListenerSettings, stop: Stop
) -> Iterator[tuple[ListenerSettings, Round]]:
    """
    Yield the settings in effect, again when others are, until a round ends for good.
    """
    while True:
        its = Round(stop)
        yield with_schema(settings), its
        if not its.is_over or stop.is_set():
            return


def _follow(settings: ListenerSettings, uri: str, stop: Round) -> None:
    keys = Keys.of(key.get_secret_value() for key in settings.admin_keys)
    metrics_keys = Keys.of(key.get_secret_value() for key in settings.metrics_keys)
    complaints = Complaints(CLOCK.monotonic)
    with (
        open_source(settings, uri, complaints) as source,
        Store.open(settings.store_dir) as store,
        _outlet(settings, source, MODEL) as outlet,
    ):
        workshop = to_workshop(settings, uri, complaints)
        daemon, status, requests = make_daemon(
            settings, source, workshop, complaints, store, stop, outlet
        )
        details = partial(read_details, settings, status)
        follow_them, orders = _follow_orders(settings, uri)
        if orders is not None:
            its = orders.status.metrics.registry
            status.metrics.registry.register(OfOrders(its))
        app = Control(
            source, status, requests, keys, details, metrics_keys, orders
        ).make_app()
        stop_control = serve_in_background(app, settings.control_port, name="control")
        log.info(
            "listener.started",
            collection=source.namespace,
            store=str(settings.store_dir),
            control=f"127.0.0.1:{settings.control_port}",
            generation=status.served.generation,
        )
        try:
            with beside(follow_them, stop):
                daemon.run()
        finally:
            stop_control()
        log.info("listener.stopped", generation=status.served.generation)


def _follow_orders(
    settings: ListenerSettings, uri: str
) -> tuple[Follow | None, Contact | None]:
    """
    Return what keeps the model of orders equal to their collection until it is told to
    stop, and how others see it; nothing when the settings name none.

    Raises:
        SettingsFault: A setting of the orders cannot be right.
    """
    if not settings.orders_collection:
        return None, None
    OrderMapper(settings)  # to refuse before anything is followed
    status, requests = Status(CLOCK), Requests()
    status.metrics.registry.register(Scrape(status))

    def follow_them(stop: Stop) -> None:
        with (
            open_orders(settings, uri) as source,
            Store.open(settings.orders_dir) as store,
            _outlet(settings, source, ORDERS) as outlet,
        ):
            make_orders_daemon(
                settings, source, store, status, requests, stop, outlet
            ).run()

    return follow_them, Contact(status, requests)


@contextmanager
def _outlet(
    settings: ListenerSettings, source: MongoSource, what: str
) -> Iterator[Outlet | None]:
    """
    Yield where generations of *source* are published beside the store, if anywhere.

    Raises:
        SettingsFault: The address cannot be right, or is the shop's database.
    """
    if settings.publish_to is None:
        yield None
        return
    shop, _, _ = source.namespace.partition(".")
    with open_place(
        settings.publish_to.get_secret_value(),
        what,
        setting="EVERSHELF_PUBLISH_TO",
        clock=CLOCK,
        other_than=shop,
    ) as place:
        yield place


def _resync(settings: ListenerSettings, stop: Stop) -> Exit:
    is_running = StoreReader(settings.store_dir).is_held()
    with ExitStack() as stack:
        if is_running:
            remote = to_remote(settings)
            products = partial(resync_there, remote, CLOCK, stop)
            orders = partial(resync_there, remote.of_orders(), CLOCK, stop)
        else:
            uri = stack.enter_context(_address(settings))
            products = partial(_resync_products, settings, uri, stop)
            orders = partial(_resync_orders, settings, uri, stop)
        code = _retrain(products, is_running=is_running)
        if code is Exit.OK and settings.orders_collection:
            with of_orders():
                code = _retrain(orders, is_running=is_running)
    return code


def _retrain(train: Callable[[], Published | None], *, is_running: bool) -> Exit:
    started = CLOCK.monotonic()
    done = train()
    if done is None:
        log.info("resync.stopped", goes_on=is_running)
        return Exit.INTERRUPTED
    log.info(
        "resync.done",
        by="the running listener" if is_running else "this process",
        generation=done.generation,
        products=done.products,
        took_s=round(CLOCK.monotonic() - started, 2),
    )
    return Exit.OK


def _resync_products(
    settings: ListenerSettings, uri: str, stop: Stop
) -> Published | None:
    done = None
    for in_effect, its in _rounds(settings, Part(stop)):
        done = _resync_round(in_effect, uri, its)
    return done


def _resync_round(
    settings: ListenerSettings, uri: str, stop: Round
) -> Published | None:
    complaints = Complaints(CLOCK.monotonic)
    with (
        open_source(settings, uri, complaints) as source,
        Store.open(settings.store_dir) as store,
    ):
        workshop = to_workshop(settings, uri, complaints)
        daemon, _, requests = make_daemon(
            settings, source, workshop, complaints, store, stop
        )
        return resync_here(daemon, requests, stop)


def _resync_orders(
    settings: ListenerSettings, uri: str, stop: Stop
) -> Published | None:
    requests, its = Requests(), Part(stop)
    with (
        open_orders(settings, uri) as source,
        Store.open(settings.orders_dir) as store,
    ):
        daemon = make_orders_daemon(
            settings, source, store, Status(CLOCK), requests, its
        )
        return resync_here(daemon, requests, its)


def _verify(settings: ListenerSettings, uri: str) -> Exit:
    # only here: scikit-learn takes a second to import, which a restart need not wait
    from listener.proof import prove, prove_orders  # noqa: PLC0415
    from listener.verify import say  # noqa: PLC0415

    report = prove(settings, uri)
    say(report)
    is_equal = report.is_equal
    if settings.orders_collection:
        report = prove_orders(settings, uri)
        say(report)
        is_equal &= report.is_equal
    return Exit.OK if is_equal else Exit.DIFFERS


def _work(settings: ListenerSettings, stop: Stop) -> Exit:
    if settings.queue_url is None:
        raise SettingsFault([NO_QUEUE])
    try:
        # only here: what it needs is an extra, which nobody else needs
        from listener.queue.command import work  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise SettingsFault([NO_EXTRA.format(error.name)]) from error
    with _address(settings) as uri:
        work(settings, uri, settings.queue_url.get_secret_value(), stop)
    return Exit.OK


def _take(settings: ListenerSettings, stop: Stop) -> Exit:
    if settings.follow_from is None:
        raise SettingsFault([NO_PLACE])
    follow(settings, settings.follow_from.get_secret_value(), stop)
    return Exit.OK


# What may have the collection read by several processes.
SPREADING: Final = frozenset({"run", "resync", "verify", "work"})
# What has something to finish when it is asked to stop.
GRACEFUL: Final = {"run": _run, "resync": _resync, "work": _work, "follow": _take}
