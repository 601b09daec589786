"""Options from a TOML file: each key is an option of the command, with `_` for `-`.

What is said more closely wins: a flag on the command line, then the environment, then the file, then the default.
"""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from privacy.reports.delivery import place

_SOURCES = {
    ParameterSource.COMMANDLINE: "flag",
    ParameterSource.ENVIRONMENT: "environment",
    ParameterSource.DEFAULT_MAP: "file",
}

_PASSWORD = re.compile(r"(://[^:/@]*:).*@", re.DOTALL)
"""Up to the last "@": a database takes passwords that hold a "/", an "@", a quote or a blank themselves."""
_HOOK = re.compile(r"\s*((gb28181\+)?https?|mqtts?)://", re.IGNORECASE)
_PARAMETER = re.compile(r"([?&](?:ssl)?password=)[^&]+", re.IGNORECASE)


def read(ctx: click.Context, _: click.Parameter, path: Path | None) -> None:
    """Take the options of a file where neither the command line nor the environment says otherwise.

    Raises:
        UsageError: The file cannot be read, or has a key that is no option or a value that it cannot have.
    """
    if path is None:
        return
    try:
        text = path.read_text("utf-8")
        data = tomllib.loads(text)
    except (OSError, ValueError, RecursionError) as error:  # UTF-8 and TOML errors and long numbers are ValueErrors
        raise click.UsageError(f"{path} cannot be read: {error}", ctx) from error
    options = {option.name: option for option in ctx.command.params if option.name and option.expose_value}
    for key, value in data.items():
        where = f"{path}, line {_line(text, key)}"
        if key not in options:
            raise click.UsageError(f"{where}: there is no option {key!r}; there are {', '.join(sorted(options))}", ctx)
        problem = _problem(options[key], value, ctx)
        if problem:
            raise click.UsageError(f"{where}: {key} {problem}", ctx)
    ctx.default_map = data


def shown(ctx: click.Context) -> list[str]:
    """Return every option of the running command as a line that such a file could have, and where it comes from.

    Passwords in addresses are left out, and of web hooks and brokers all but scheme and host.
    """
    lines = []
    for name, value in ctx.params.items():
        if value is None:
            continue
        source = ctx.get_parameter_source(name)
        plain = [_without_secrets(str(each)) for each in value] if isinstance(value, tuple) else value
        plain = plain if isinstance(plain, bool | int | float | list) else _without_secrets(str(plain))
        written = json.dumps(plain, ensure_ascii=False)
        lines.append(f"{name} = {written}  # {_SOURCES.get(source, 'default') if source else 'default'}")
    return lines


def _without_secrets(value: str) -> str:
    return _PARAMETER.sub(r"\1***", _PASSWORD.sub(r"\1***@", _without_path(value)))


def _without_path(value: str) -> str:
    if not (hook := _HOOK.match(value)):
        return value
    try:
        return place.shown(value)
    except ValueError:
        return f"{hook[0]}***"


def _problem(option: click.Parameter, value: Any, ctx: click.Context) -> str:  # noqa: ANN401 - whatever TOML holds
    if option.multiple:
        if not isinstance(value, list):
            return "must be a list"
        return next(filter(None, (_refusal(option, each, ctx) for each in value)), "")
    return _refusal(option, value, ctx)


def _refusal(option: click.Parameter, value: Any, ctx: click.Context) -> str:  # noqa: ANN401 - whatever TOML holds
    """Return what is wrong with a value, without the value: it may be a password in the wrong place."""
    wanted, kinds = _kinds(option.type)
    if type(value) not in kinds:
        return f"must be {wanted}"
    try:
        option.type.convert(value, option, ctx)
    except click.BadParameter as error:
        if isinstance(value, str):  # the message would quote it
            return f"is refused; want {_wanted(option.type)}"
        return f"is refused: {error.message}"
    except OverflowError:  # a whole number beyond any other
        return f"is refused; want {_wanted(option.type)}"
    return ""


def _wanted(kind: click.ParamType[Any]) -> str:
    if isinstance(kind, click.Choice):
        return f"one of {', '.join(map(str, kind.choices))}"
    return f"a {kind.name} that is there and may be read" if isinstance(kind, click.Path) else f"a {kind.name}"


def _kinds(kind: click.ParamType[Any]) -> tuple[str, tuple[type, ...]]:
    if isinstance(kind, click.types.BoolParamType):
        return "true or false", (bool,)
    if isinstance(kind, click.types.IntParamType):
        return "a whole number", (int,)
    if isinstance(kind, click.types.FloatParamType):
        return "a number", (int, float)
    return "a string", (str,)


def _line(text: str, key: str) -> int:
    """Return the line that sets a key, from 1."""
    pattern = re.compile(rf"""\s*(\[+\s*)?["']?{re.escape(key)}["']?\s*[=.\]]""")
    return next((number for number, line in enumerate(text.splitlines(), 1) if pattern.match(line)), 1)
