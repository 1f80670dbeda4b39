"""Setting a value leaves the rest of config.toml as the user wrote it."""

from __future__ import annotations

from pathlib import Path

import pytest

from roard.config import load_settings, template
from roard.config_edit import set_value
from roard.errors import ConfigError


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


def test_nonsense_changes_nothing(config: Path) -> None:
    config.write_text("[tracer]\n")
    with pytest.raises(ConfigError, match="cannot be `dtrace`"):
        set_value(bytes(config.parent.parent), "tracer.default", "dtrace")
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
