"""The text of a problem file: digits, lines, and what of YAML and JSON is read."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from gradproof.errors import InvalidProblemError
from gradproof.problem_file.arrays import decimals_of_number
from gradproof.problem_file.document import WrittenFloat, WrittenInt, parse_document, parse_json, parse_yaml
from gradproof.problem_file.paths import child, parent
from hypothesis import given
from hypothesis import strategies as st

PLAIN = """
network: [ReLU, {Linear: [2, 1, {bias: false}]}]
input: [[1, -2, +3, .5, 1., 0x10, 0.170], [.inf, -.INF, null, ~, true, False]]
text: |
  first
  second
folded: >-
  one
  two
empty:
nested: {a: {b: ['x', "y"]}}
base: &base {p: 1, q: 2}
more: {<<: *base, q: 3}
"""


def test_yaml_is_read_as_safe_load_reads_it() -> None:
    """Where the two agree on what a scalar is, the values are those of yaml.safe_load."""
    assert parse_yaml(PLAIN).value == yaml.safe_load(PLAIN)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-5", 1e-5),
        ("2E3", 2000.0),
        ("010", 10),
        ("1:30", "1:30"),
        ("2020-01-01", "2020-01-01"),
        ("no", "no"),
        ("off", "off"),
        ("0.weight", "0.weight"),
        ("'0.5'", "0.5"),
        ("1_000.5", 1000.5),
    ],
)
def test_scalars_mean_what_people_mean(text: str, value: Any) -> None:
    """Exponents need no point, and no scalar becomes a date, a time, an octal number or a boolean by surprise."""
    read = parse_yaml(f"key: {text}").value["key"]
    assert (read, isinstance(read, str)) == (value, isinstance(value, str))


@pytest.mark.parametrize(
    ("text", "decimals"),
    [
        ("0.170", 3),
        ("0.17", 2),
        ("-12.5", 1),
        ("1.", 0),
        (".25", 2),
        ("1.25e-4", 6),
        ("1e-5", 5),
        ("2.5e3", 0),
        ("1.2345e2", 2),
        (".inf", None),
        ("3", None),
        ("true", None),
    ],
)
def test_decimals_are_those_written(text: str, decimals: int | None) -> None:
    """The number of decimals is that of the digits in the file, trailing zeros and exponents included."""
    assert decimals_of_number(parse_yaml(f"key: {text}").value["key"]) == decimals


def test_decimals_of_json_are_those_written() -> None:
    """JSON numbers keep their digits as well."""
    assert [decimals_of_number(number) for number in parse_json("[0.170, -1.25e-4, 2.5E3, 7]").value] == [3, 6, 0, None]


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**63), 2**63 - 1))
def test_numbers_keep_value_and_text(real: float, whole: int) -> None:
    """What Python prints for a number is read back as that number, with its text."""
    for parse in (parse_yaml, parse_json):
        read = parse(f"[{real!r}, {whole}]").value
        assert read == [real, whole]
        assert [type(item) for item in read] == [WrittenFloat, WrittenInt]
        assert [item.text for item in read] == [repr(real), str(whole)]


def test_keys_are_text() -> None:
    """Keys that look like numbers, booleans or nothing stay the text that is written."""
    assert list(parse_yaml("{0: a, 1.50: b, true: c, null: d, no: e}").value) == ["0", "1.50", "true", "null", "no"]


def test_lines_are_known_for_entries_and_rows() -> None:
    """The line of a path is that of its key, of its row, or of the nearest entry around it."""
    document = parse_yaml("a: 1\nlist:\n  - x: 1\n    y: [[1],\n        [2, 3]]\n0.w: 2\n")
    paths = ["a", "list[0]", "list[0].y", "list[0].y[1]", "list[0].y[1][0]", '["0.w"]', "list[0].nothing.here"]
    assert [document.line_of(path) for path in paths] == [1, 3, 4, 5, 5, 6, 3]
    assert document.line_of("unknown") is None


@given(st.lists(st.one_of(st.text(min_size=1), st.integers(0, 99)), max_size=4))
def test_parents_undo_children(steps: list[str | int]) -> None:
    """The parent of a child is where it came from, whatever the key."""
    path = "root"
    for step in steps:
        longer = child(path, step)
        assert parent(longer) == path
        path = longer


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [1", "line 2, column 1: this is not YAML"),
        ("a: 1\n\tb: 2", "line 2, column 1: this is not YAML"),
        ('{"a": 1,}}', "this is not YAML"),
        ("a: 1\nb: 2\na: 3", "line 3, column 1: the key 'a' appears twice"),
        ('{"a": {"b": 1, "b": 2}}', "the key 'b' appears twice"),
        ("a: !!python/object/apply:os.system [ls]", "line 1, column 4: the tag"),
        ("a: !mine 3", "the tag !mine is not read"),
        ("a: 1\n---\nb: 2", "a second document begins"),
        ("a: *b", "*b has no &b before it"),
        ("a: &a [*a]", "*a has no &a before it"),
        ("? [1, 2]\n: 3", "a key must be a plain word or number"),
        ("<<: 3", "`<<` takes a mapping"),
        ("[" * 60, "nested more than"),
        ("- " * 60 + "a", "nested more than"),
    ],
)
def test_what_is_not_readable_is_said_with_its_place(text: str, says: str) -> None:
    """Text that is no YAML, or goes beyond what is read of it, is refused in words."""
    with pytest.raises(InvalidProblemError) as caught:
        parse_document(text)
    assert says in str(caught.value)


def test_json_errors_have_their_place() -> None:
    """A .json file is read as JSON only, and its errors name line and column."""
    with pytest.raises(InvalidProblemError, match="line 2, column 8: this is not JSON"):
        parse_document('{"a": 1,\n "b": [}', "file.json")
    with pytest.raises(InvalidProblemError, match="nested too deeply"):
        parse_json("[" * 100_000)


def test_aliases_cannot_blow_up() -> None:
    """A small text whose aliases stand for billions of values is refused."""
    text = "a0: &a0 [1,1,1,1,1,1,1,1,1]\n" + "".join(
        f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
    )
    with pytest.raises(InvalidProblemError, match="more than 5000000 values"):
        parse_yaml(text)
