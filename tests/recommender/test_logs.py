import io
import json
import logging
import sys

import pytest
import structlog

from recommender.logs import RECENT, Recent, configure_logs
from recommender.masking import Secrets


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


class Writes(io.StringIO):
    """
    A standard output that is not buffered.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pieces = []

    def write(self, text):
        self.pieces.append(text)
        return super().write(text)


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_line_is_one_write(monkeypatch, log_format):
    """
    Several processes may write to one file, buffered or not, and no line is torn.
    """
    monkeypatch.setattr(sys, "stdout", output := Writes())
    configure_logs(log_format, "info", process="server")

    structlog.get_logger().info("test.line", key="value")

    assert len(output.pieces) == 1
    assert output.pieces[0].endswith("\n")
