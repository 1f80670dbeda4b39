"""Settings and variables of a project, for people and as documents."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from roar_proto.v1 import config_pb2

from roar_client.errors import shown
from roar_client.output.documents import Document, Value, in_text
from roar_client.output.text import BLANK, Line, Span, columns, line, note, say, visible

_HIDDEN = "********"


def settings_lines(response: config_pb2.GetSettingsResponse) -> list[Line]:
    """Returns every setting with its value, where that comes from, its default and what it does."""
    wrong = {problem.name for problem in response.problems}
    file = os.fsdecode(os.path.basename(response.path))
    rows = [_setting_row(setting, file, is_wrong=setting.name in wrong) for setting in response.settings]
    head = [Span(title, "head") for title in ("setting", "value", "from", "default", "")]
    return [line("settings of ", Span(shown(response.path), "path")), BLANK, *columns([head, *rows], indent="  ")]


def _setting_row(setting: config_pb2.Setting, file: str, *, is_wrong: bool) -> Sequence[Span]:
    style = "bad" if is_wrong else "step" if setting.line else ""
    origin = f"{file}:{setting.line}" if setting.line else "default"
    return (
        Span(setting.name),
        Span(word_of(setting.value), style),
        Span(origin, "" if setting.line else "dim"),
        Span(word_of(setting.default_value), "dim"),
        Span(setting.about, "dim"),
    )


def show_problems(response: config_pb2.GetSettingsResponse) -> None:
    """Prints the mistakes in the file."""
    for problem in response.problems:
        place = f"{shown(response.path)}:{problem.line}" if problem.line else shown(response.path)
        note(f"error[bad-config]: `{place}`: {visible(problem.problem)}")
        unknown = problem.problem.startswith("unknown key")
        remedy = f"`roar config unset {visible(problem.name)}` takes it out" if unknown else ""
        note(f"hint: {'; '.join(part for part in (visible(problem.hint), remedy) if part)}")


def settings_document(response: config_pb2.GetSettingsResponse) -> Document:
    """Returns every setting, and the mistakes in the file."""
    problems: list[Value] = [
        {"line": found.line or None, "name": found.name, "problem": found.problem, "hint": found.hint}
        for found in response.problems
    ]
    return {
        **in_text("file", response.path),
        "settings": [setting_document(setting) for setting in response.settings],
        "problems": problems,
    }


def setting_document(setting: config_pb2.Setting) -> Document:
    """Returns a setting with its value, where it stands and what it may be."""
    return {
        "name": setting.name,
        "value": _value(setting.value),
        "default": _value(setting.default_value),
        "line": setting.line or None,
        "allowed": [_value(allowed) for allowed in setting.allowed],
        "about": setting.about,
    }


def _value(toml: str) -> Value:
    """Returns a value of TOML as one of JSON; what is neither word, number nor truth, as its text."""
    try:
        value: Value = json.loads(toml)
    except ValueError:
        return toml
    return value


def word_of(toml: str) -> str:
    """Returns a value of TOML as one types it: a word without its quotes."""
    value = _value(toml)
    return visible(value) if isinstance(value, str) else visible(toml)


def show_set(response: config_pb2.SetSettingResponse) -> None:
    """Prints what a setting is now."""
    setting = response.setting
    say(f"{setting.name} is {word_of(setting.value)} now, in {shown(response.path)}:{setting.line}")


def show_unset(name: str, response: config_pb2.UnsetSettingResponse) -> None:
    """Prints what holds after a setting was taken out."""
    if not response.HasField("setting"):
        say(f"{name} is gone from {shown(response.path)}")
    elif response.changed:
        say(f"{name} is {word_of(response.setting.default_value)} again, its default, in {shown(response.path)}")
    else:
        note(f"note: {name} is not set: {word_of(response.setting.default_value)} is its default")


def variables_lines(response: config_pb2.ListVariablesResponse, *, reveal: bool) -> list[Line]:
    """Returns the variables, a line each, values escaped; those that look secret only on request."""
    if not response.variables:
        return [line("no variables; ", Span("`roar env set NAME VALUE` gives one to every run", "dim"))]
    rows = [
        (
            Span(variable.name, "head"),
            Span(_HIDDEN if variable.secret and not reveal else visible(variable.value)),
            Span("looks secret; --show prints it" if variable.secret and not reveal else "", "dim"),
        )
        for variable in response.variables
    ]
    return columns(rows)


def variables_document(response: config_pb2.ListVariablesResponse, *, reveal: bool) -> Document:
    """Returns the variables; the value of one that looks secret is null, unless on request."""
    variables: list[Value] = [
        {
            "name": variable.name,
            "value": None if variable.secret and not reveal else variable.value,
            "secret": variable.secret,
        }
        for variable in response.variables
    ]
    return {**in_text("file", response.path), "variables": variables}


def show_variable_set(name: str, response: config_pb2.SetVariableResponse) -> None:
    """Prints that a variable is set, and what the user should know about it."""
    say(f"{name} is set for later runs, in {shown(response.path)}")
    for text in response.notes:
        note(f"note: {text}")
