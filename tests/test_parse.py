"""Foreign JSON and YAML: bounded, linear, and faults in one short line."""

from __future__ import annotations

from pathlib import Path

import pytest

from overread.errors import InputError
from overread.parse import DEEPEST, MOST_YAML_NODES, brief, parse_json, parse_yaml, short
from overread.settings import Strict, read_settings, validated


class Some(Strict):
    """Settings of three kinds."""

    name: str
    number: int = 0
    several: list[int] = []


def bomb(levels: int, width: int) -> str:
    """Each level holds the one before ``width`` times: ``width ** levels`` values in some hundred bytes."""
    lines = ["a0: &a0 x"]
    lines += [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * width)}]" for k in range(1, levels + 1)]
    return "\n".join(lines)


def refused(parse: object, text: str) -> str:
    with pytest.raises(InputError) as caught:
        parse(text, "file.x")  # type: ignore[operator]
    said = str(caught.value)
    assert said.startswith("file.x: ") and said.isprintable() and len(said) < 500, said[:600]
    return said


def test_what_is_written_comes_back() -> None:
    assert parse_json('{"a": [1, 2.5, null, "x"]}', "w") == {"a": [1, 2.5, None, "x"]}
    assert parse_yaml("a: &b [1, 2]\nc: *b\nd: 2026-01-02 x", "w") == {
        "a": [1, 2],
        "c": [1, 2],
        "d": "2026-01-02 x",
    }
    assert parse_json(b"\xef\xbb\xbf[1]", "w") == [1]
    deepest = "[" * DEEPEST + "]" * DEEPEST
    assert parse_json(deepest, "w") == parse_yaml(deepest, "w")


@pytest.mark.parametrize("levels", [DEEPEST + 1, 999, 100_000])
def test_deep_nesting_is_refused_without_recursion(levels: int) -> None:
    text = "[" * levels + "]" * levels
    assert "64 levels" in refused(parse_json, text)
    assert "64 levels" in refused(parse_yaml, text)
    objects = '{"a":' * levels + "1" + "}" * levels
    assert "64 levels" in refused(parse_json, objects)


@pytest.mark.parametrize("unclosed", ["[" * 100_000, "{" * 100_000, "- " * 100_000])
def test_unclosed_nesting_is_refused(unclosed: str) -> None:
    refused(parse_yaml, unclosed)


def test_aliases_that_unfold_are_refused_by_what_they_stand_for() -> None:
    assert "aliases" in refused(parse_yaml, bomb(9, 9))
    assert MOST_YAML_NODES < 9**9
    content = parse_yaml(bomb(3, 9), "w")
    assert len(content["a3"]) == 9


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "a: b: c",
        "\x00",
        "a: 2001-99-99",
        "a: " + "9" * 5000,
        "a: *nothing",
        "a: !!python/object:x.y {}",
    ],
)
def test_no_yaml_is_one_line(text: str) -> None:
    assert "is not YAML" in refused(parse_yaml, text)


def test_a_key_given_twice_is_named_with_both_lines() -> None:
    told = refused(parse_yaml, "endpoints:\n- metric: auroc\n  goal: 0.8\n  goal: 0.9\n")
    assert told.endswith("line 4 gives 'goal' again, which line 3 gave; keep one of them")


def test_the_same_key_in_other_mappings_and_a_merge_are_no_repetition() -> None:
    text = "a: &a {x: 1}\nb: &b {<<: *a, x: 2}\nc: {<<: [*a, *b], x: 3}\nd: [{x: 4}, {x: 5}]"
    assert parse_yaml(text, "f")["c"] == {"x": 3}


def test_a_long_value_without_quotes_is_named_by_its_line() -> None:
    assert "line 2" in refused(parse_yaml, "a: 1\nb: " + "1:" * 10_000 + "1")
    assert parse_yaml(f"b: '{'1:' * 10_000}'", "w")["b"].startswith("1:1")


@pytest.mark.parametrize("text", ["", "{", '{"a": }', "9" * 5000, '"\x1b[31m', b"\xff\xfe\xff"])
def test_no_json_is_one_line(text: str | bytes) -> None:
    assert "is not JSON" in refused(parse_json, text)  # type: ignore[arg-type]


def test_what_a_message_quotes_is_short() -> None:
    assert len(brief([["x" * 100_000] * 1000] * 1000)) < 400
    assert short("a" * 10**6).startswith("aaa") and len(short("a" * 10**6)) <= 300
    assert short("red\x1b[31m\n text") == "red [31m text"
    for value in (
        {"name": "x" * 10**6, "number": "y" * 10**6},
        {"name": "a", "several": [["z" * 10**5] * 99]},
    ):
        with pytest.raises(InputError) as caught:
            validated(Some, value, "s.yaml")
        assert len(str(caught.value)) < 800 and str(caught.value).isprintable()


def test_a_bomb_among_settings_is_one_short_line(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(bomb(5, 9) + "\nname: *a5\n")
    with pytest.raises(InputError) as caught:
        read_settings(path, Some, "")
    assert len(str(caught.value)) < 800
