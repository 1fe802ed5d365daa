"""
What is in effect: each setting's value, and where it comes from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr
from pydantic_settings import (
    CliSettingsSource,
    DotEnvSettingsSource,
    EnvSettingsSource,
    TomlConfigSettingsSource,
)

from recommender.logs import is_for_people
from recommender.masking import HIDDEN, Secrets, masked
from recommender.settings import (
    DOTENV,
    SECRETS,
    ListenerSettings,
    Settings,
    schema_of,
    secrets_of,
    settings_file,
    to_flag,
    to_names,
    to_text,
    to_variable,
    unknown_settings,
)


ENVIRONMENT: Final = "environment"
# What a program is told to do, which is no setting.
ERRAND: Final = frozenset({"command", "file", "print_config"})


def to_lines(settings: Settings, arguments: Sequence[str]) -> Iterator[str]:
    """
    Yield one line for each setting of a process that was started with *arguments*: its
    variable, its value with what is secret hidden, and its origin; then one for each
    name that was set in vain.
    """
    kind = type(settings)
    origins = origins_of(settings, arguments)
    rows = [
        (to_variable(kind, name), *_in_effect(settings, name, origins.get(name)))
        for name in kind.model_fields
        if name not in ERRAND
    ]
    names, values, _ = (max(map(len, column)) for column in zip(*rows, strict=True))
    widest = min(values, 48)  # a long list must not push all origins out of sight
    for variable, value, origin in rows:
        yield f"{variable:{names}}  {value:{widest}}  {origin}"
    for unknown in unknown_settings():
        meant = f", {unknown.nearest} may be meant" if unknown.nearest else ""
        yield f"{unknown.name} means nothing{meant}  {unknown.place}"


def origins_of(settings: Settings, arguments: Sequence[str]) -> dict[str, str]:
    """
    Return where each field that was set anywhere was set last, from weak to strong: in
    the settings file, `.env`, the `ENVIRONMENT` or a flag.
    """
    kind, file = type(settings), settings_file()
    sources = (
        (str(file), TomlConfigSettingsSource(kind, toml_file=file)),
        (str(DOTENV), DotEnvSettingsSource(kind)),
        (ENVIRONMENT, EnvSettingsSource(kind)),
        ("flag", CliSettingsSource[Settings](kind, cli_parse_args=list(arguments))),
    )
    origins = {}
    if isinstance(settings, ListenerSettings):
        origins = dict.fromkeys(
            schema_of(settings), f"found out: {settings.schema_path}"
        )
    for place, source in sources:
        given = source()
        for name in kind.model_fields:
            if not given.keys().isdisjoint(to_names(kind, name)):
                origins[name] = f"flag {to_flag(name)}" if place == "flag" else place
    return origins


def _in_effect(settings: Settings, name: str, origin: str | None) -> tuple[str, str]:
    if name == "log_format" and settings.log_format == "auto":
        is_pretty = is_for_people(settings.log_format)
        seen = "a terminal" if is_pretty else "no terminal"
        return "console" if is_pretty else "json", f"detected: {seen}"
    if name == "database" and (named := _named_database(settings)):
        return named, "detected: in MONGODB_URI"
    value = getattr(settings, name)
    if name in SECRETS:
        return _to_hidden(value), origin or "default"
    secrets = Secrets(secrets_of(settings))  # one may be where it does not belong
    return secrets.without(to_text(value)), origin or "default"


def _named_database(settings: Settings) -> str:
    if not isinstance(settings, ListenerSettings) or settings.mongodb_uri is None:
        return ""
    return urlsplit(masked(settings.mongodb_uri.get_secret_value())).path[1:]


def _to_hidden(value: SecretStr | Sequence[SecretStr] | None) -> str:
    if isinstance(value, SecretStr):
        return masked(value.get_secret_value())
    return ",".join(HIDDEN for _ in value or ())
