"""`roar config` and `roar env`: what they say, what they leave in the file, and what they refuse."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_kit import Cli, check_snapshot, validate

from roard.config import template


@pytest.fixture
def file(cli: Cli) -> Path:
    return cli.cwd / ".roar/config.toml"


def test_every_setting_is_listed_with_where_it_comes_from(cli: Cli, file: Path) -> None:
    file.write_text('# mine\n[tracer]\ndefault = "ptrace"  # why\n')
    said = cli("config", "list")
    assert (said.status, said.err) == (0, "")
    check_snapshot("config-list", said.out.replace(str(cli.cwd), "<root>"))
    document = cli("config", "list", "--json").json
    validate("config", document)
    assert {setting["name"]: setting["line"] for setting in document["settings"] if setting["line"]} == {
        "tracer.default": 3
    }


def test_a_file_with_mistakes_is_shown_with_all_of_them_and_mended_by_commands(cli: Cli, file: Path) -> None:
    file.write_text("[output]\nquiet = 1 # no\nloud = true # because\n[env]\nA-B = 'x'\nC = 3\n")
    said = cli("config", "list")
    assert said.status == 1
    check_snapshot("config-mistakes", said.err.replace(str(cli.cwd), "<root>"))
    validate("config", cli("config", "list", "--json").json)
    assert cli("env", "list").err.startswith("error[bad-config]")
    for words in (
        ("config", "set", "output.quiet", "true"),
        ("config", "unset", "output.loud"),
        ("env", "unset", "A-B"),
        ("env", "set", "C", "3"),
    ):
        assert cli(*words).status == 0
    assert cli("config", "list").status == 0
    assert file.read_text() == '[output]\nquiet = true # no\n# because\n[env]\nC = "3"\n'


def test_what_is_no_toml_is_refused_with_its_line_by_every_command(cli: Cli, file: Path) -> None:
    file.write_text("[output]\nquiet =\n")
    for words in (("list",), ("get", "output.quiet"), ("set", "output.quiet", "true"), ("unset", "output.quiet")):
        said = cli("config", *words)
        assert (said.status, said.err.partition(": not")[0]) == (1, f"error[bad-config]: `{file}:2`")
    assert file.read_text() == "[output]\nquiet =\n"


def test_set_get_and_unset_of_a_setting(cli: Cli, file: Path) -> None:
    assert cli("config", "get", "tracer.default").out == "auto\n"
    assert cli("config", "set", "tracer.default", '"ptrace"').out.startswith(
        f"tracer.default is ptrace now, in {file}:"
    )
    assert cli("config", "get", "tracer.default").out == "ptrace\n"
    validate("config", cli("config", "get", "tracer.default", "--json").json)
    said = cli("config", "unset", "tracer.default")
    assert said.out == f"tracer.default is auto again, its default, in {file}\n"
    assert file.read_text() == template()
    assert cli("config", "unset", "tracer.default").err == "note: tracer.default is not set: auto is its default\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("set", "output.quiet", "yes"),
            "error[bad-value]: `output.quiet` cannot be `yes`\nhint: allowed: true, false\n",
        ),
        (
            ("set", "tracer.default", "-1"),
            "error[bad-value]: `tracer.default` cannot be `-1`\nhint: allowed: auto, ebpf, preload, ptrace\n",
        ),
        (
            ("get", "output.quite"),
            (
                "error[unknown-key]: there is no setting `output.quite`\n"
                "hint: did you mean `output.quiet`? `roar config list` shows all of them\n"
            ),
        ),
        (
            ("unset", "env.A"),
            (
                "error[unknown-key]: there is no setting `env.A`\n"
                "hint: `roar env` is for variables; `roar config list` shows all of them\n"
            ),
        ),
    ],
)
def test_nonsense_is_refused_and_changes_nothing(cli: Cli, file: Path, words: tuple[str, ...], said: str) -> None:
    done = cli("config", *words)
    assert (done.status, done.err, file.read_text()) == (2, said, template())


def test_variables_are_kept_as_they_are_and_secrets_hidden(cli: Cli) -> None:
    assert cli("env", "list").out == "no variables; `roar env set NAME VALUE` gives one to every run\n"
    for name, value in (("THREADS", "4"), ("EMPTY", ""), ("LINES", 'two\n"lines" = #1\\'), ("FLAGS", "-O2")):
        assert cli("env", "set", name, value).err == ""
        assert cli("env", "get", name).out == f"{value}\n"
    said = cli("env", "set", "HF_TOKEN", "hf_abc")
    assert said.err == "note: it looks secret, and stands in clear text in the file\n"
    check_snapshot("env-list", cli("env", "list").out)
    assert "hf_abc" in cli("env", "list", "--show").out
    hidden, shown = (cli("env", "list", "--json", *more).json for more in ((), ("--show",)))
    validate("config", hidden)
    assert (hidden["variables"][4]["value"], shown["variables"][4]["value"]) == (None, "hf_abc")
    assert cli("env", "unset", "HF_TOKEN").status == 0
    assert cli("env", "get", "HF_TOKEN").err.startswith("error[no-such-variable]")


@pytest.mark.parametrize(
    ("name", "value", "fact", "hint"),
    [
        ("A=b", "", "`A=b` is no name of a variable", "write `roar env set A VALUE`"),
        ("1A", "", "`1A` is no name of a variable", "letters, digits"),
        ("a.b", "", "`a.b` is no name of a variable", "letters, digits"),
        ("ROAR_DAEMON", "off", "`ROAR_DAEMON` is roar's own", "shell"),
        ("A", "x" * 131_070, "the value of `A` is too long", "put it into a file"),
    ],
)
def test_what_would_break_every_run_is_refused(
    cli: Cli, file: Path, name: str, value: str, fact: str, hint: str
) -> None:
    said = cli("env", "set", name, value)
    assert said.status == 2
    assert f"error[bad-variable]: {fact}" in said.err
    assert hint in said.err
    assert file.read_text() == template()


def test_what_is_risky_is_done_with_a_word(cli: Cli) -> None:
    assert cli("env", "set", "PATH", "$PATH:/opt/bin").err == (
        "note: it takes the place of the whole PATH, also for finding the command of `roar run`\n"
        "note: `$` is not expanded: the job gets the value as it stands\n"
    )
    assert "how every program of a job is loaded" in cli("env", "set", "LD_PRELOAD", "/x.so").err


def test_a_missing_value_is_asked_for(cli: Cli) -> None:
    assert cli("env", "set", "A=b c").err == "error[usage]: the value is missing\nhint: write `roar env set A 'b c'`\n"
    assert (
        cli("env", "set", "A").err
        == "error[usage]: the value is missing\nhint: for an empty one, `roar env set A ''`\n"
    )


def test_a_misspelt_variable_is_not_taken_away(cli: Cli) -> None:
    cli("env", "set", "THREADS", "4")
    assert cli("env", "unset", "THREAD").err == (
        "error[no-such-variable]: the project has no variable `THREAD`\n"
        "hint: did you mean `THREADS`? `roar env list` shows those that it has\n"
    )


def test_a_value_that_is_no_text_is_refused(cli: Cli) -> None:
    assert cli("env", "set", "A", "caf\udce9").err.startswith("error[usage]: `caf\ufffd` is not UTF-8")
