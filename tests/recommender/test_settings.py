from pathlib import Path

import pytest

from recommender.errors import SettingsFault
from recommender.settings import (
    ALL_SETTINGS,
    ListenerSettings,
    ServerSettings,
    load_settings,
    to_variable,
    unknown_settings,
)


ADDRESS = "mongodb://shop:swordfish@db/shop"


@pytest.fixture(autouse=True)
def _nothing_set(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for kind in ALL_SETTINGS:
        for name in kind.model_fields:
            monkeypatch.delenv(to_variable(kind, name), raising=False)
    monkeypatch.delenv("EVERSHELF_CONFIG", raising=False)


def faults_of(kind=ListenerSettings, arguments=()):
    with pytest.raises(SettingsFault) as caught:
        load_settings(kind, arguments)
    return list(caught.value.faults)


def test_nothing_need_be_set():
    """
    Every setting has a default; the server listens on loopback.
    """
    listener = load_settings(ListenerSettings, [])
    server = load_settings(ServerSettings, [])

    assert listener.command == "run"
    assert listener.mongodb_uri is None
    assert (listener.quiet_s, listener.min_interval_s, listener.max_staleness_s) == (
        0,
        0.005,
        1,
    )
    assert (server.host, server.port) == ("127.0.0.1", 5002)
    assert listener.store_dir == server.store_dir


# Each adds a source that is stronger than those before.
SOURCES = ["file", "dotenv", "environment", "flag"]


@pytest.mark.parametrize("strongest", range(len(SOURCES)))
def test_strength_of_sources(tmp_path, monkeypatch, strongest):
    """
    Flags over environment over .env over the settings file.
    """
    (tmp_path / "evershelf.toml").write_text('collection = "file"\ndatabase = "kept"\n')
    if strongest >= 1:
        (tmp_path / ".env").write_text("EVERSHELF_COLLECTION=dotenv\n")
    if strongest >= 2:
        monkeypatch.setenv("EVERSHELF_COLLECTION", "environment")
    arguments = ["--collection", "flag"] if strongest >= 3 else []

    settings = load_settings(ListenerSettings, arguments)

    assert settings.collection == SOURCES[strongest]
    assert settings.database == "kept"


def test_settings_file_may_be_anywhere(tmp_path, monkeypatch):
    """
    EVERSHELF_CONFIG names the settings file, tables and lists included.
    """
    path = tmp_path / "elsewhere.toml"
    path.write_text('name_fields = ["a", "b"]\n[weights]\nname = 5\n')
    monkeypatch.setenv("EVERSHELF_CONFIG", str(path))

    settings = load_settings(ListenerSettings, [])

    assert settings.name_fields == ("a", "b")
    assert settings.weights == {"name": 5.0}


def test_every_fault_is_reported_at_once(monkeypatch):
    """
    Each fault is a line with the variable, its value and what would be right.
    """
    monkeypatch.setenv("EVERSHELF_CONTROL_PORT", "99999")
    monkeypatch.setenv("EVERSHELF_LOG_LEVEL", "loud")
    monkeypatch.setenv("EVERSHELF_QUIET_S", "inf")
    monkeypatch.setenv("EVERSHELF_WEIGHTS", "heavy")

    faults = faults_of()

    assert [fault.partition(":")[0] for fault in faults] == [
        "EVERSHELF_CONTROL_PORT=99999",
        "EVERSHELF_LOG_LEVEL=loud",
        "EVERSHELF_QUIET_S=inf",
        "EVERSHELF_WEIGHTS=heavy",
    ]
    assert "'debug', 'info', 'warning' or 'error'" in faults[1]
    assert 'such as {"name": 3}' in faults[3]


def test_faults_of_flags_are_reported_too():
    """
    A flag's fault is told as its variable's.
    """
    (fault,) = faults_of(ServerSettings, ["--port", "fast"])

    assert fault.startswith("EVERSHELF_PORT=fast: ")


@pytest.mark.parametrize(
    ("weights", "complaint"),
    [
        ('{"name": -1}', "the weight of 'name' must be 0, or from 0.0001 to 10000"),
        ('{"name": 1e9}', "the weight of 'name' must be 0, or from 0.0001 to 10000"),
        ('{"nmae": 1}', "no field is called 'nmae'"),
        ('{"name": "much"}', "valid number"),
        ("[1]", "valid dictionary"),
    ],
)
def test_weights_are_checked_at_the_start(monkeypatch, weights, complaint):
    """
    Weights that no model could use are a fault of the settings.
    """
    monkeypatch.setenv("EVERSHELF_WEIGHTS", weights)

    (fault,) = faults_of()

    assert fault.startswith("EVERSHELF_WEIGHTS=")
    assert complaint in fault


def test_freshness_that_cannot_be_kept_is_refused(monkeypatch):
    """
    Neither the least interval nor the quiet may exceed the longest staleness.
    """
    monkeypatch.setenv("EVERSHELF_MIN_INTERVAL_S", "2")
    monkeypatch.setenv("EVERSHELF_QUIET_S", "30")

    (fault,) = faults_of()

    assert fault.startswith("EVERSHELF_MAX_STALENESS_S=1.0: ")
    assert "EVERSHELF_MIN_INTERVAL_S=2.0 must not exceed" in fault
    assert "EVERSHELF_QUIET_S=30.0 must not exceed" in fault


def test_freshness_is_no_second_round(monkeypatch):
    """
    That it cannot be kept is told beside what else is wrong; nothing is said of it
    where one of the numbers is none.
    """
    monkeypatch.setenv("EVERSHELF_QUIET_S", "30")
    monkeypatch.setenv("EVERSHELF_MIN_INTERVAL_S", "often")
    monkeypatch.setenv("EVERSHELF_CONTROL_PORT", "99999")

    assert [fault.partition(":")[0] for fault in faults_of()] == [
        "EVERSHELF_CONTROL_PORT=99999",
        "EVERSHELF_MIN_INTERVAL_S=often",
        "EVERSHELF_MAX_STALENESS_S=1.0",
    ]


@pytest.mark.parametrize(
    ("variable", "name"),
    [
        *(
            ("DATABASE", name)
            for name in ("", "a b", "a.b", "$x", "a/b", 'a"', "x" * 64)
        ),
        *(("DATABASE", name) for name in ("\xe9" * 32, "\udcff")),
        *(("COLLECTION", name) for name in ("", "a$b", "a..b", ".a", "a.")),
        *(("COLLECTION", name) for name in ("system.users", "\udcff")),
    ],
    ids=lambda value: ascii(value)[1:-1],
)
def test_names_that_no_database_takes_are_faults(monkeypatch, variable, name):
    """
    A database or a collection that cannot be is told at the start, not tried for ever.
    """
    monkeypatch.setenv(f"EVERSHELF_{variable}", name)

    (fault,) = faults_of()

    assert fault.startswith(f"EVERSHELF_{variable}=")


@pytest.mark.parametrize(
    "name", ["products", "shop.products", "a b", "\xe9" * 31, "x" * 63]
)
def test_names_that_databases_take(monkeypatch, name):
    """
    What MongoDB allows is a collection's name, and a database's if it is no more than
    one word.
    """
    monkeypatch.setenv("EVERSHELF_COLLECTION", name)
    if "." not in name and " " not in name:
        monkeypatch.setenv("EVERSHELF_DATABASE", name)

    assert load_settings(ListenerSettings, []).collection == name


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        (ServerSettings, "port"), (ServerSettings, "cache_s"),
        (ServerSettings, "drain_s"), (ListenerSettings, "quiet_s"),
        (ListenerSettings, "sweep_per_s"), (ListenerSettings, "asked"),
    ],
)  # fmt: skip
def test_yes_is_no_number(tmp_path, kind, key):
    """
    A number that the settings file answers with yes or no is a fault, not 0 or 1.
    """
    (tmp_path / "evershelf.toml").write_text(f"{key} = true\n")

    (fault,) = faults_of(kind)

    assert fault == f"EVERSHELF_{key.upper()}=True: must be a number"


def test_classic_debounce_can_be_set(monkeypatch):
    """
    Quiet 30 with a staleness to match is accepted.
    """
    monkeypatch.setenv("EVERSHELF_QUIET_S", "30")
    monkeypatch.setenv("EVERSHELF_MAX_STALENESS_S", "600")

    assert load_settings(ListenerSettings, []).quiet_s == 30


def test_secrets_are_never_shown(tmp_path, monkeypatch, capsys):
    """
    Neither a settings object, nor a fault, nor the help shows a password or a key.
    """
    monkeypatch.setenv("MONGODB_URI", ADDRESS)
    monkeypatch.setenv("EVERSHELF_QUEUE_URL", "redis://:swordfish@queue")
    monkeypatch.setenv("EVERSHELF_ADMIN_KEYS", "swordfish, marlin")
    settings = load_settings(ListenerSettings, [])
    shown = repr(settings) + str(settings.model_dump())
    with pytest.raises(SystemExit):
        load_settings(ListenerSettings, ["--help"])
    shown += capsys.readouterr().out
    monkeypatch.delenv("MONGODB_URI")
    monkeypatch.delenv("EVERSHELF_ADMIN_KEYS")
    monkeypatch.delenv("EVERSHELF_QUEUE_URL")
    (tmp_path / "evershelf.toml").write_text(
        'admin_keys = [["swordfish"]]\nmongodb_uri = ["swordfish"]\n'
    )
    faults = faults_of()
    shown += repr(faults)

    assert "swordfish" not in shown
    assert [fault.partition(":")[0] for fault in faults] == [
        "EVERSHELF_ADMIN_KEYS",
        "MONGODB_URI",
    ]
    assert settings.mongodb_uri.get_secret_value() == ADDRESS
    assert [key.get_secret_value() for key in settings.admin_keys] == [
        "swordfish",
        "marlin",
    ]


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("title", ("title",)),
        (" title , name.en,, ", ("title", "name.en")),
        (" , ", ()),
    ],
)
def test_names_are_split_at_commas(monkeypatch, value, names):
    """
    A list of names is written with commas; blanks and empty parts do not count.
    """
    monkeypatch.setenv("EVERSHELF_NAME_FIELDS", value)

    assert load_settings(ListenerSettings, []).name_fields == names


def test_names_as_flags():
    """
    A flag may be repeated or hold commas.
    """
    settings = load_settings(
        ListenerSettings,
        ["--name-fields", "a,b", "--tags-fields", "c", "--tags-fields", "d"],
    )

    assert settings.name_fields == ("a", "b")
    assert settings.tags_fields == ("c", "d")


@pytest.mark.parametrize("address", ["scheduler", "tcp://scheduler", "ftp://a:8786"])
def test_address_of_no_scheduler_is_a_fault(monkeypatch, address):
    """
    The address of a Dask scheduler without its port, or of something else, is found
    out before anything is built; one that is whole or empty is good.
    """
    for good in ("", "tcp://10.0.0.2:8786", "tls://[::1]:8786"):
        monkeypatch.setenv("EVERSHELF_DASK_ADDRESS", good)
        assert load_settings(ListenerSettings, []).dask_address == good

    monkeypatch.setenv("EVERSHELF_DASK_ADDRESS", address)
    with pytest.raises(SettingsFault, match="DASK_ADDRESS"):
        load_settings(ListenerSettings, [])


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.2",
        "ftp://a",
        "http://a:70000",
        "http://a:0",
        "http://me:key@a",
        "http://[",
    ],
)
def test_address_of_no_neighbour_is_a_fault(monkeypatch, address):
    """
    What cannot be a server's address, by its port, too, is found out before anything is
    followed; one that is whole is good.
    """
    for good in ("http://10.0.0.2:5002", "https://shop.example/pair", "http://[::1]:1"):
        monkeypatch.setenv("EVERSHELF_NEIGHBOUR", good)
        assert load_settings(ListenerSettings, []).neighbour == good

    monkeypatch.setenv("EVERSHELF_NEIGHBOUR", address)
    with pytest.raises(SettingsFault, match="NEIGHBOUR"):
        load_settings(ListenerSettings, [])


def test_empty_address_is_none(monkeypatch):
    """
    An empty MONGODB_URI, as compose files set it, is no address.
    """
    monkeypatch.setenv("MONGODB_URI", "")

    assert load_settings(ListenerSettings, []).mongodb_uri is None


@pytest.mark.parametrize(
    ("arguments", "command", "file"),
    [
        ([], "run", None),
        (["run"], "run", None),
        (["verify"], "verify", None),
        (["load", "products.jsonl.gz"], "load", "products.jsonl.gz"),
    ],
)
def test_commands(arguments, command, file):
    """
    The listener runs, verifies, or loads a file.
    """
    settings = load_settings(ListenerSettings, arguments)

    assert settings.command == command
    assert (None if settings.file is None else str(settings.file)) == file


def test_unknown_command_is_a_fault():
    """
    A command that does not exist is told with those that do.
    """
    (fault,) = faults_of(arguments=["fly"])

    assert "'resync', 'work', 'evaluate', 'load' or 'follow'" in fault


def test_unknown_flag_ends_with_usage(capsys):
    """
    A flag that does not exist exits with 2 and the usage.
    """
    with pytest.raises(SystemExit) as caught:
        load_settings(ServerSettings, ["--prot", "1"])

    assert caught.value.code == 2
    assert "unrecognized arguments: --prot" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ALL_SETTINGS)
def test_help_tells_every_setting(kind, capsys):
    """
    The help of each process lists all of its flags, each with a description.
    """
    with pytest.raises(SystemExit) as caught:
        load_settings(kind, ["--help"])

    out = capsys.readouterr().out
    assert caught.value.code == 0
    assert kind.__doc__.strip() in out
    for name, field in kind.model_fields.items():
        assert field.description
        assert name in ("command", "file") or f"--{name.replace('_', '-')}" in out


@pytest.mark.parametrize("content", [b"collection = = 1", b"\xff"])
def test_settings_file_that_cannot_be_read_is_a_fault(tmp_path, content):
    """
    A settings file that is no TOML is a fault that names it.
    """
    (tmp_path / "evershelf.toml").write_bytes(content)

    (fault,) = faults_of()

    assert fault.startswith("the settings file evershelf.toml cannot be used: ")


def test_settings_file_that_is_named_must_exist(monkeypatch):
    """
    A slip in EVERSHELF_CONFIG does not mean the defaults.
    """
    monkeypatch.setenv("EVERSHELF_CONFIG", "absent.toml")

    (fault,) = faults_of()

    assert fault.startswith("the settings file absent.toml cannot be used: ")


@pytest.mark.parametrize(
    ("variable", "path"),
    [
        ("EVERSHELF_CONFIG", "x" * 5000),
        ("EVERSHELF_CONFIG", "."),
        ("EVERSHELF_SCHEMA_FILE", "x" * 5000),
        ("EVERSHELF_SCHEMA_FILE", "."),
        ("EVERSHELF_DATA_DIR", "x" * 5000),
    ],
    ids=["long", "folder", "schema-long", "schema-folder", "data-long"],
)
def test_path_that_cannot_be_looked_at_is_a_fault(monkeypatch, variable, path):
    """
    A path at which the system cannot even look is told as any other file of settings.
    """
    monkeypatch.setenv(variable, path)

    (fault,) = faults_of()

    assert fault.startswith(f"the settings file {path}")
    assert " cannot be used: " in fault


def test_dotenv_that_cannot_be_read_is_a_fault(tmp_path):
    """
    A .env that is no text is a fault that names it.
    """
    (tmp_path / ".env").write_bytes(b"EVERSHELF_COLLECTION=\xff\n")

    (fault,) = faults_of()

    assert fault.startswith(".env cannot be used: ")


def told():
    """
    What is told of names that mean nothing.
    """
    return [(one.name, one.nearest, one.place) for one in unknown_settings()]


def test_unknown_variables_come_with_the_nearest(monkeypatch):
    """
    A variable that means nothing is reported with the name that was meant, if any.
    """
    for name in (
        "EVERSHELF_PROT", "EVERSHELF_MONGODB_URI", "EVERSHELF_XYZZYQ", "EVERSHELF_PORT",
        "EVERSHELF_QUIET_S", "MONGODB_URI", "OTHER",
    ):  # fmt: skip
        monkeypatch.setenv(name, "1")

    assert sorted(told()) == [
        ("EVERSHELF_MONGODB_URI", "MONGODB_URI", "environment"),
        ("EVERSHELF_PROT", "EVERSHELF_PORT", "environment"),
        ("EVERSHELF_XYZZYQ", None, "environment"),
    ]


def test_unknown_names_of_dotenv(tmp_path):
    """
    So is one in `.env`, which may name things of others too.
    """
    (tmp_path / ".env").write_text(
        "EVERSHELF_QIET_S=30\nevershelf_collecton=x\nEVERSHELF_PORT=1\n"
        "MONGODB_URI=x\nDJANGO_KEY=x\n"
    )

    assert told() == [
        ("EVERSHELF_QIET_S", "EVERSHELF_QUIET_S", ".env"),
        ("EVERSHELF_COLLECTON", "EVERSHELF_COLLECTION", ".env"),
    ]


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("colection", "collection"),
        ("Collection", "collection"),
        ("EVERSHELF_COLLECTION", "collection"),
        ("mongo_uri", "mongodb_uri"),
        ("xyzzyq", None),
    ],
)
def test_unknown_keys_of_the_settings_file(tmp_path, key, nearest):
    """
    Any key of the settings file that neither process knows is reported.
    """
    (tmp_path / "evershelf.toml").write_text(
        f'{key} = "x"\nport = 1\nquiet_s = 0\nmongodb_uri = "x"\n'
    )

    assert told() == [(key, nearest, "evershelf.toml")]


def test_unknown_keys_of_a_settings_file_elsewhere(tmp_path, monkeypatch):
    """
    The file that EVERSHELF_CONFIG names is looked at.
    """
    (tmp_path / "shop.toml").write_text('colection = "x"\n')
    monkeypatch.setenv("EVERSHELF_CONFIG", "shop.toml")

    assert told() == [("colection", "collection", "shop.toml")]


def test_settings_file_may_be_named_in_dotenv(tmp_path):
    """
    EVERSHELF_CONFIG works in `.env` as every other variable does.
    """
    (tmp_path / ".env").write_text("EVERSHELF_CONFIG=shop.toml\n")
    (fault,) = faults_of()
    (tmp_path / "shop.toml").write_text('collection = "from the file"\n')

    assert fault.startswith("the settings file shop.toml cannot be used: ")
    assert load_settings(ListenerSettings, []).collection == "from the file"
    assert told() == []


def test_nothing_set_is_nothing_unknown():
    """
    Without files and variables nothing is reported.
    """
    assert told() == []


def test_variables_do_as_they_are_called(monkeypatch):
    """
    Each setting is read from the variable that faults name it by.
    """
    for kind in ALL_SETTINGS:
        for name, field in kind.model_fields.items():
            if field.annotation is str:
                value = "tcp://told:1" if name == "dask_address" else "told"
                with monkeypatch.context() as patch:
                    patch.setenv(to_variable(kind, name), value)
                    assert getattr(load_settings(kind, []), name) == value


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("name_fields =", "data/schema.toml cannot be used"),
        ("quiet_s = 1", "quiet_s in data/schema.toml says nothing of documents"),
        ("name_fields = 3", "EVERSHELF_NAME_FIELDS=3"),
    ],
    ids=["no-toml", "not-of-documents", "no-list"],
)
def test_what_was_found_out_is_unusable(tmp_path, monkeypatch, text, fault):
    """
    A mistake in the file that keeps the documents' fields is told, not passed over.
    """
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    Path("data/schema.toml").write_text(text)

    with pytest.raises(SettingsFault) as raised:
        load_settings(ListenerSettings, [])

    assert fault in str(raised.value)
