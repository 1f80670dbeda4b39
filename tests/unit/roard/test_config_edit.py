"""Setting a value leaves the rest of config.toml as the user wrote it."""

from __future__ import annotations

import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from roard.config import template
from roard.config_edit import set_value, set_variable, unset_value, unset_variable
from roard.config_file import load_settings, read_config
from roard.errors import BadValue, ConfigError, NoVariable, ProjectNotWritable, UnknownKey


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / ".roar").mkdir()
    return tmp_path / ".roar" / "config.toml"


def put(config: Path, value: str) -> str:
    root = bytes(config.parent.parent)
    assert set_value(root, "tracer.default", value) == bytes(config)
    assert load_settings(root).tracer_default == value
    return config.read_text()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('# mine\n[tracer]\ndefault = "auto"  # why not\n', '# mine\n[tracer]\ndefault = "ptrace"  # why not\n'),
        ('tracer.default = "auto"\n', 'tracer.default = "ptrace"\n'),
        ("[output]\nquiet = true # yes\n", '[output]\nquiet = true # yes\n\n[tracer]\ndefault = "ptrace"\n'),
        ("", '[tracer]\ndefault = "ptrace"\n'),
        ("[tracer]\nfallback = false\n", '[tracer]\nfallback = false\ndefault = "ptrace"\n'),
    ],
)
def test_only_the_value_changes(config: Path, before: str, after: str) -> None:
    config.write_text(before)
    assert put(config, "ptrace") == after


def test_the_line_of_the_template_is_put_in_force(config: Path) -> None:
    config.write_text(template())
    text = put(config, "ptrace")
    assert text == template().replace('# default = "auto"', 'default = "ptrace"')
    assert put(config, "auto") == text.replace('"ptrace"', '"auto"')


def test_a_project_without_a_file_gets_the_template(config: Path) -> None:
    assert put(config, "preload") == template().replace('# default = "auto"', 'default = "preload"')


@pytest.mark.parametrize(
    ("typed", "written", "holds"),
    [
        ("sha256", '["sha256"]', ("sha256",)),
        ("md5, sha256 ", '["md5", "sha256"]', ("md5", "sha256")),
        ('["sha512", "blake3"]', '["sha512", "blake3"]', ("sha512",)),
        ("", "[]", ()),
    ],
)
def test_a_list_is_typed_as_words(config: Path, typed: str, written: str, holds: tuple[str, ...]) -> None:
    config.write_text(template())
    root = bytes(config.parent.parent)
    set_value(root, "hash.algorithms", typed)
    assert load_settings(root).hash_algorithms == holds
    assert config.read_text() == template().replace("# algorithms = []", f"algorithms = {written}")


def test_a_size_is_kept_as_it_was_typed(config: Path) -> None:
    config.write_text(template())
    root = bytes(config.parent.parent)
    set_value(root, "cache.max_size", "1.5 TiB")
    assert load_settings(root).cache_max_size == 3 << 39
    assert config.read_text() == template().replace('# max_size = "10 GiB"', 'max_size = "1.5 TiB"')
    with pytest.raises(BadValue, match="cannot be `big`"):
        set_value(root, "cache.max_size", "big")


def test_nonsense_changes_nothing(config: Path) -> None:
    config.write_text("[tracer]\n")
    with pytest.raises(BadValue, match="cannot be `dtrace`"):
        set_value(bytes(config.parent.parent), "tracer.default", "dtrace")
    with pytest.raises(BadValue, match="cannot be `sha1`"):
        set_value(bytes(config.parent.parent), "hash.algorithms", "sha256 sha1")
    config.write_text("[tracer\n")
    with pytest.raises(ConfigError, match="not valid TOML"):
        set_value(bytes(config.parent.parent), "tracer.default", "ptrace")
    assert config.read_text() == "[tracer\n"


def test_a_link_stays_a_link_and_keeps_its_mode(config: Path, tmp_path: Path) -> None:
    (tmp_path / "shared.toml").write_text("")
    (tmp_path / "shared.toml").chmod(0o640)
    config.symlink_to(tmp_path / "shared.toml")
    put(config, "ptrace")
    assert config.is_symlink()
    assert (tmp_path / "shared.toml").stat().st_mode & 0o777 == 0o640


SAME = "# top\n[output] # o\nquiet = true # q\n\n[env]\n# about A\nA = '#1' # one\n"


@pytest.mark.parametrize(
    ("before", "name", "after"),
    [
        (SAME, "output.quiet", SAME.replace("quiet = true # q", "# quiet = false  # q")),
        ("output.quiet = true\n", "output.quiet", "# output.quiet = false\n"),
        ("[output]\r\nquiet = true\r\n", "output.quiet", "[output]\r\n# quiet = false\r\n"),
        ("output = { quiet = true }\n", "output.quiet", "output = {  }\n"),
        ("a = 1 # x\n[output]\nquiet = true\n", "a", "# x\n[output]\nquiet = true\n"),
        ("[output]\nold = [\n  1, # x\n]\nquiet = true\n", "output.old", "[output]\nquiet = true\n"),
        ("[output]\n'o d' = 1\nquiet = true\n", "output.o d", "[output]\nquiet = true\n"),
    ],
)
def test_unsetting_takes_out_one_line_and_keeps_comments(config: Path, before: str, name: str, after: str) -> None:
    config.write_bytes(before.encode())
    assert unset_value(bytes(config.parent.parent), name) is True
    assert config.read_bytes().decode() == after


def test_what_is_not_there_is_not_taken_out(config: Path) -> None:
    root = bytes(config.parent.parent)
    config.write_text(SAME)
    assert unset_value(root, "tracer.default") is False
    for name in ("output", "env", "env.A", "output.loud", ""):
        with pytest.raises(UnknownKey):
            unset_value(root, name)
    with pytest.raises(NoVariable):
        unset_variable(root, "B")
    assert config.read_text() == SAME


@pytest.mark.parametrize(
    "value", ["", "plain", "a b=c", "two\nlines", "quotes \" ' # none", "tab\t\x7f\x1b", "\\d", "é\U0001f600"]
)
@pytest.mark.parametrize("before", [SAME, "", "env.B = 'b'\n", "env = {B = 'b'}\n", "[env]\n\n[output]\n", template()])
def test_a_variable_comes_back_as_it_was_put_and_goes_without_a_trace(config: Path, before: str, value: str) -> None:
    root = bytes(config.parent.parent)
    config.write_text(before)
    for name in ("NEW", "A"):
        set_variable(root, name, value)
        assert read_config(root).variables[name] == value
    comments = re.findall(r"# (?:top|o|q|about A|one)$", before, re.MULTILINE)
    assert re.findall(r"# (?:top|o|q|about A|one)$", config.read_text(), re.MULTILINE) == comments
    unset_variable(root, "NEW")
    assert "NEW" not in config.read_text()
    assert not read_config(root).mistakes


def test_many_changes_at_once_are_all_made(config: Path) -> None:
    root = bytes(config.parent.parent)
    names = [f"V{number}" for number in range(20)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: set_variable(root, name, name), names))
    assert sorted(read_config(root).variables) == sorted(names)
    assert os.listdir(config.parent) == ["config.toml"]


def test_a_file_that_cannot_be_written_is_said_and_kept(config: Path) -> None:
    config.write_text(SAME)
    os.mkdir(config.parent / "elsewhere")
    config.rename(config.parent / "elsewhere/config.toml")
    config.symlink_to("elsewhere/config.toml")
    # Root may write anywhere, but not a file where a directory is.
    blocked = b"%s.%d.%d" % (bytes(config.resolve()), os.getpid(), threading.get_ident())
    os.mkdir(blocked)
    with pytest.raises(ProjectNotWritable):
        set_variable(bytes(config.parent.parent), "A", "x")
    assert config.read_text() == SAME
