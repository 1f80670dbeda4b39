"""config.toml: defaults, values, and what a mistake says."""

from __future__ import annotations

from pathlib import Path

import pytest

from roard.config import KEYS, FilterSettings, Settings, template
from roard.config_file import load_settings
from roard.errors import ConfigError


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / ".roar").mkdir()
    return tmp_path / ".roar" / "config.toml"


def load(config: Path) -> Settings:
    return load_settings(bytes(config.parent.parent))


def test_no_file_means_all_defaults(config: Path) -> None:
    assert load(config) == Settings()


def test_the_template_changes_nothing(config: Path) -> None:
    config.write_text(template())
    assert load(config) == Settings()


def test_the_template_with_every_line_put_in_force_is_valid_and_says_the_defaults(config: Path) -> None:
    lines = template().splitlines()
    config.write_text("\n".join(line.removeprefix("# ") if " = " in line else line for line in lines))
    assert load(config) == Settings()
    assert config.read_text().count(" = ") == len(KEYS)


def test_values_are_taken(config: Path) -> None:
    config.write_text('tracer.default = "ptrace"\n[output]\nquiet = true\n[filters]\nignore_cache = false\n')
    assert load(config) == Settings(
        tracer_default="ptrace", output_quiet=True, filters=FilterSettings(ignore_cache=False)
    )


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("[output]\nquiet = 1\n", "config.toml:2`: `output.quiet` cannot be 1", "true, false"),
        ('[tracer]\n\ndefault = "dtrace"\n', 'config.toml:3`: `tracer.default` cannot be "dtrace"', '"auto", "ebpf"'),
        ('[hash]\nalgorithms = ["sha1"]\n', 'config.toml:2`: `hash.algorithms` cannot be ["sha1"]', "a list of"),
        ('[cache]\nmax_size = "1 parsec"\n', '`cache.max_size` cannot be "1 parsec"', 'a size, as "500 MB"'),
        ("[cache]\nmax_size = 5\n", "`cache.max_size` cannot be 5", 'a size, as "500 MB"'),
        ("[output]\nloud = true\n", "config.toml:2`: unknown key `output.loud`", "output.quiet"),
        ("loud = true\n", "config.toml:1`: unknown key `loud`", "output.quiet"),
        ("output.loud = true\n", "config.toml:1`: unknown key `output.loud`", "output.quiet"),
        ("[outputs]\nquiet = true\n", "config.toml:2`: unknown key `outputs.quiet`", "output.quiet"),
        ("[output\n", "config.toml:1`: not valid TOML", ""),
        ("a = \n", "config.toml:1`: not valid TOML", ""),
    ],
)
def test_a_mistake_names_line_key_and_what_is_allowed(config: Path, text: str, said: str, hint: str) -> None:
    config.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(config)
    assert said in caught.value.fact
    assert hint in caught.value.hint


def test_a_file_that_is_not_utf8_is_refused(config: Path) -> None:
    config.write_bytes(b"# \xff\n")
    with pytest.raises(ConfigError, match="UTF-8"):
        load(config)


def test_a_directory_in_its_place_is_refused(config: Path) -> None:
    config.mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        load(config)
