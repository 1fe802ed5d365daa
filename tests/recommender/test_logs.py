import json
import logging
import os
import re
import subprocess
import sys

from pathlib import Path

import pytest
import structlog

from recommender.logs import LONGEST, RECENT, Recent, Thinning, configure_logs
from recommender.masking import Secrets
from recommender.repeats import MOST, WINDOW_S
from tests.support.clock import FakeClock
from tests.support.processes import ROOT


HEAD = """
import sys
import structlog
from recommender.logs import configure_logs
"""


@pytest.fixture(name="lines")
def _lines(capsys):
    def lines():
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return lines


def test_lines_are_json_where_nobody_watches(lines):
    """
    Off a terminal each line is a JSON object with event, level, process and UTC time.
    """
    configure_logs("auto", "info", process="listener")

    structlog.get_logger().info("model.published", products=59)

    (line,) = lines()
    assert line["timestamp"].endswith("Z")
    assert line | {"timestamp": ""} == {
        "event": "model.published",
        "level": "info",
        "process": "listener",
        "products": 59,
        "timestamp": "",
    }


def test_lines_are_pretty_on_a_terminal(capsys, monkeypatch):
    """
    On a terminal "auto" writes for people.
    """
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    configure_logs("auto", "info", process="server")

    structlog.get_logger().info("model.loaded", generation=7)

    out = capsys.readouterr().out
    assert "model.loaded" in out
    assert not out.startswith("{")


def test_format_is_as_asked(capsys):
    """
    "console" is pretty anywhere.
    """
    configure_logs("console", "info", process="server")

    structlog.get_logger().info("model.loaded", generation=7)

    assert not capsys.readouterr().out.startswith("{")


@pytest.mark.parametrize(
    ("level", "events"),
    [
        ("debug", ["a", "b", "c", "d"]),
        ("info", ["b", "c", "d"]),
        ("warning", ["c", "d"]),
        ("error", ["d"]),
    ],
)
def test_lines_below_the_level_are_dropped(lines, level, events):
    """
    Only lines of the level and above are written.
    """
    configure_logs("json", level, process="server")
    log = structlog.get_logger()

    log.debug("a")
    log.info("b")
    log.warning("c")
    log.error("d")

    assert events == [line["event"] for line in lines()]


def test_exception_is_text_in_json(lines):
    """
    A traceback is one string within the line.
    """
    configure_logs("json", "info", process="server")

    try:
        {}["absent"]
    except KeyError:
        structlog.get_logger().exception("request.failed")

    (line,) = lines()
    assert line["exception"].startswith("Traceback")
    assert "KeyError: 'absent'" in line["exception"]


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_traceback_shows_no_variables(capsys, log_format):
    """
    What local variables hold, a password say, is in no traceback.
    """
    configure_logs(log_format, "info", process="server")

    password = "swordfish"  # noqa: S105 the point of the test
    try:
        [][len(password)]
    except IndexError:
        structlog.get_logger().exception("request.failed")

    assert "IndexError" in (out := capsys.readouterr().out)
    assert "swordfish" not in out


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_traceback_hides_secrets(capsys, log_format):
    """
    What an error and its causes quote is hidden in their traceback, and in what is kept
    for pages.
    """
    secrets = Secrets(["swordfish"])
    configure_logs(log_format, "info", process="listener", secrets=secrets)
    address, fish = "mongodb://me:hidden@db1/shop", "swordfish"

    try:
        try:
            raise OSError(address, fish)  # noqa: TRY301 its traceback is wanted
        except OSError as error:
            raise LookupError(fish) from error
    except LookupError:
        structlog.get_logger().exception("listener.crashed", given={"k": fish})

    kept = RECENT.to_json().decode()
    for said in (capsys.readouterr().out, kept):
        assert "mongodb://me:***@db1/shop" in said
        assert "LookupError: ***" in said
        assert "hidden@" not in said
        assert "swordfish" not in said


@pytest.mark.parametrize(
    "said",
    ["a" * 65_000, ["a" * 65_000], {"a" * 65_000: ("a" * 65_000, 1)}],
    ids=["text", "list", "nested"],
)
def test_no_line_is_endless(lines, said):
    """
    Of a text without end only its beginning is written, and how long it is.
    """
    configure_logs("json", "info", process="server")

    structlog.get_logger().info("request", path=said)

    (line,) = lines()
    assert len(json.dumps(line)) < 2 * LONGEST + 500
    assert f"{'a' * LONGEST}… (65000 characters)" in str(line["path"])


def test_libraries_show_no_secrets(lines):
    """
    What libraries say is searched like the rest.
    """
    secrets = Secrets(["swordfish"])
    configure_logs("json", "info", process="server", secrets=secrets)

    logging.getLogger("some.library").warning("GET /v1/events?key=%s", "abc")
    logging.getLogger("some.library").warning("given %r", {"k": "swordfish"})

    assert [line["message"] for line in lines()] == [
        "GET /v1/events?key=***",
        "given {'k': '***'}",
    ]


@pytest.mark.parametrize("odd", ["half \ud800", 1 << 80, {1, 2}, b"\xff", {(1,): 2}])
def test_no_value_stops_a_line(lines, odd):
    """
    Whatever is logged, a line of JSON comes out.
    """
    configure_logs("json", "info", process="server")

    structlog.get_logger().info("product.incomplete", odd=odd)

    (line,) = lines()
    assert line["event"] == "product.incomplete"


@pytest.mark.parametrize("odd", ["half \ud800", "caf\xe9"], ids=["half", "accent"])
@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_character_stops_a_line(log_format, odd):
    """
    Whatever standard output is thought to take, lines are UTF-8; half a character is
    written out.
    """
    said = said_by(
        f"configure_logs({log_format!r}, 'info', process='server')\n"
        f"structlog.get_logger().info('request', path={odd!r})\n",
        PYTHONIOENCODING="ascii",
    )

    assert "request" in said
    assert odd.encode(errors="backslashreplace").decode() in said


def test_terminals_are_given_no_orders(capsys):
    """
    What would move the cursor or change colours, sent in a path, is shown as text; a
    traceback keeps its lines.
    """
    configure_logs("console", "info", process="server")

    structlog.get_logger().info(
        "request", path="/\x1b[2Jx\x9b31m", exception="one\ntwo\x1b[8m"
    )

    out = capsys.readouterr().out
    assert r"/\x1b[2Jx\x9b31m" in out
    assert "one\ntwo\\x1b[8m" in out


@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.parametrize("is_pipe", [True, False], ids=["no-reader", "full-disk"])
def test_output_that_takes_nothing_stops_nobody(log_format, is_pipe):
    """
    A process whose lines cannot be written goes on, and ends as it would have.
    """
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as pipe, Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", HEAD + f"""
configure_logs({log_format!r}, 'info', process='server')
log = structlog.get_logger()
for _ in range(1000):
    log.info('request', path='/' * 100)
print('went on', file=sys.stderr)
sys.exit(3)
"""],
            stdout=pipe if is_pipe else full, stderr=subprocess.PIPE, cwd=ROOT,
            text=True, timeout=60, check=False,
        )  # fmt: skip

    assert (done.returncode, done.stderr) == (3, "went on\n")


def test_what_was_printed_comes_before():
    """
    Lines keep their place among what is printed.
    """
    said = said_by(
        "configure_logs('json', 'info', process='demo')\n"
        "sys.stdout.write('first')\n"
        "structlog.get_logger().info('second')\n"
        "sys.stdout.write('third')\n"
    )

    assert re.fullmatch(r'first\{.*"second".*\}\nthird', said)


def said_by(code, **environment):
    """
    Return what a process prints that runs some code.
    """
    done = subprocess.run(
        [sys.executable, "-c", HEAD + code],
        stdout=subprocess.PIPE, env={**os.environ, **environment}, cwd=ROOT,
        timeout=60, check=True,
    )  # fmt: skip
    return done.stdout.decode()


def test_libraries_are_heard(lines):
    """
    Warnings of libraries come as lines like ours, once however often configured.
    """
    configure_logs("json", "info", process="server")
    configure_logs("json", "info", process="server")

    logging.getLogger("some.library").warning("slow by %d ms", 5)
    logging.getLogger("some.library").info("chatter")

    (line,) = lines()
    assert line["event"] == "library.message"
    assert line["logger"] == "some.library"
    assert line["message"] == "slow by 5 ms"
    assert line["level"] == "warning"


def test_what_libraries_warn_of_is_a_line():
    """
    A warning, of an option in an address say, is no text between the lines.
    """
    said = said_by(
        "import warnings\n"
        "configure_logs('json', 'info', process='listener')\n"
        "warnings.warn('an option that nobody knows', stacklevel=1)\n"
    )

    line = json.loads(said)
    assert (line["event"], line["logger"]) == ("library.message", "py.warnings")
    assert "an option that nobody knows" in line["message"]


def fail(kind):
    raise kind


def test_a_defect_met_again_and_again_is_no_flood(lines):
    """
    Some lines with the same traceback are written, another defect's at once, and lines
    without one always.
    """
    configure_logs("json", "info", process="server")
    log = structlog.get_logger()
    for kind in [KeyError] * (MOST + 5) + [IndexError]:
        try:
            fail(kind)
        except LookupError as error:
            log.error("request.failed", exc_info=error)
            log.exception("server.crashed")
            log.info("request")

    events = [
        (one["event"], one.get("exception", "").split("\n")[-1]) for one in lines()
    ]
    for event in ("request.failed", "server.crashed"):
        assert [end for name, end in events if name == event] == [
            *["KeyError"] * MOST,
            "IndexError",
        ]
    assert [name for name, _ in events].count("request") == MOST + 6


def test_a_library_without_end_is_no_flood(lines):
    """
    One that complains for ever is heard now and then, and no other is drowned.
    """
    configure_logs("json", "info", process="server")

    for number in range(MOST * 3):
        logging.getLogger("a.library").warning("number %d", number)
    logging.getLogger("other.library").warning("heard")

    assert [one["logger"] for one in lines()] == [
        *["a.library"] * MOST,
        "other.library",
    ]


def test_the_next_line_tells_of_those_before():
    """
    What was skipped is counted, and told when there is room again.
    """
    clock = FakeClock()
    thinning = Thinning(clock.monotonic)
    line = {"event": "library.message", "logger": "a.library"}
    for _ in range(MOST):
        assert thinning.process(None, "warning", line) == line
    for _ in range(3):
        with pytest.raises(structlog.DropEvent):
            thinning.process(None, "warning", line)
    clock.advance(WINDOW_S)

    assert thinning.process(None, "warning", line) == {**line, "skipped": 3}
    assert thinning.process(None, "warning", line) == line


def test_libraries_broken_message_stops_nobody(lines, capsys):
    """
    A library's own formatting fault reaches standard error, not its caller.
    """
    configure_logs("json", "info", process="server")

    record = logging.LogRecord(
        "lib", logging.WARNING, "", 1, "%d", ("no number",), None
    )
    logging.getLogger().handlers[-1].handle(record)

    out, err = capsys.readouterr()
    assert out == ""
    assert "no number" in err


def test_the_last_lines_are_kept(lines):
    """
    A page may show the lines as they were printed, later ones only if asked, and no
    more than so many.
    """
    configure_logs("json", "info", process="server")
    structlog.get_logger().info("test.kept", number=1)
    structlog.get_logger().debug("test.dropped")

    (printed,) = lines()
    kept = json.loads(RECENT.to_json())
    assert kept[-1] == printed
    assert json.loads(RECENT.to_json(printed["timestamp"])) == []

    few = Recent(most=2)
    for number in range(3):
        few.note(None, "info", {"timestamp": str(number), "number": number})
    assert [one["number"] for one in json.loads(few.to_json())] == [1, 2]
    assert [one["number"] for one in json.loads(few.to_json("1"))] == [2]
