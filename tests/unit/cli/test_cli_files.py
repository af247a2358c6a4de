"""Definition files and JSON as the command line takes them."""

from pathlib import Path

import pytest

from mistralish.cli_files import choose_workflow, read_definitions, read_json_object
from mistralish.errors import InputError

NOOP = "{tasks: {t: {action: std.noop}}}"


def definitions(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "definitions.yaml"
    path.write_text(text)
    return path


def test_the_kind_of_a_file_follows_from_what_is_in_it(tmp_path: Path) -> None:
    workflow = definitions(tmp_path, f"version: '2.0'\nw: {NOOP}\n")
    assert read_definitions(workflow).kind == "workflows"
    action = definitions(tmp_path, "version: '2.0'\na: {base: std.echo, base-input: {output: x}}\n")
    assert read_definitions(action).kind == "actions"
    book = read_definitions(definitions(tmp_path, f"version: '2.0'\nname: b\nworkflows: {{w: {NOOP}}}\n"))
    assert (book.kind, list(book.workflows)) == ("workbooks", ["b.w"])


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing\.yaml cannot be read"):
        read_definitions(tmp_path / "missing.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"version: '2.0' # \xff\n")
    with pytest.raises(InputError, match="not UTF-8"):
        read_definitions(tmp_path / "latin.yaml")


def test_the_workflow_that_no_other_calls_is_the_one_to_start(tmp_path: Path) -> None:
    path = definitions(tmp_path, f"version: '2.0'\nlower: {NOOP}\nupper: {{tasks: {{t: {{workflow: lower}}}}}}\n")
    file = read_definitions(path)
    assert choose_workflow(file, None) == "upper"
    assert choose_workflow(file, "lower") == "lower"


def test_a_workbooks_workflow_is_found_without_the_prefix_and_its_calls_are_understood(tmp_path: Path) -> None:
    text = f"version: '2.0'\nname: b\nworkflows:\n  lower: {NOOP}\n  upper: {{tasks: {{t: {{workflow: lower}}}}}}\n"
    file = read_definitions(definitions(tmp_path, text))
    assert choose_workflow(file, None) == "b.upper"
    assert choose_workflow(file, "lower") == "b.lower"


def test_between_several_workflows_the_caller_must_choose(tmp_path: Path) -> None:
    file = read_definitions(definitions(tmp_path, f"version: '2.0'\none: {NOOP}\ntwo: {NOOP}\n"))
    with pytest.raises(InputError, match="name the one to start: one, two"):
        choose_workflow(file, None)
    with pytest.raises(InputError, match="no workflow 'three' in the file; it has one, two"):
        choose_workflow(file, "three")


def test_a_json_object_is_taken_from_a_file_or_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text('{"a": 1}')
    assert read_json_object(str(tmp_path / "in.json"), "--input") == {"a": 1}
    assert read_json_object(' {"a": 2}', "--input") == {"a": 2}
    assert read_json_object(None, "--input") == {}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("{oops", "the given text is not valid JSON"),
        ("missing.json", "file missing.json cannot be read"),
    ],
)
def test_json_that_is_wrong_is_refused_with_its_option(given: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        read_json_object(given, "--input")
    assert caught.value.message.startswith("--input: ")
    assert words in caught.value.message


def test_json_that_is_no_object_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text("[1]")
    with pytest.raises(InputError, match="must be a JSON object"):
        read_json_object(str(tmp_path / "list.json"), "--input")
