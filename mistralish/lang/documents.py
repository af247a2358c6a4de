"""What every definition file has in common: one mapping, a version, and named items."""

from collections.abc import Mapping

from mistralish.lang import fields
from mistralish.lang.errors import LanguageError
from mistralish.lang.nodes import Node
from mistralish.lang.sizes import check_expressions, check_members
from mistralish.lang.yaml_loader import load_node

_VERSION_HINT = "write: version: '2.0'"


def read_document(text: str) -> Node:
    """Return the root mapping of a definition text. Raises LanguageError."""
    check_expressions(text)
    root = load_node(text)
    if root is None or root.value in (None, "", [], False, 0):
        raise LanguageError("the definition is empty", line=1, column=1, hint="start it with version: '2.0'")
    fields.mapping(root, "the definition")
    return root


def definition_items(root: Node, kind: str) -> Mapping[str, Node]:
    """Return the named items of a list of definitions: at least one, each a mapping that is not empty."""
    _check_version(root)
    items = {name: node for name, node in root.fields.items() if name != "version"}
    if not items:
        root.fail(f"the definition has no {kind}", f"write its name and a colon, and the {kind} below it, indented")
    check_members(items, root, kind)
    for name, node in items.items():
        fields.nonempty_mapping(node, f"{kind} {fields.quoted(name)}")
    return items


def workbook_version(root: Node) -> None:
    """Check the version of a workbook, which can only be 2.0."""
    _check_version(root)
    node = root.fields["version"]
    if node.value not in ("2.0", 2):
        node.fail(f"a workbook cannot have the version {fields.kind_of(node)}", _VERSION_HINT)


def _check_version(root: Node) -> None:
    if "version" not in root.fields:
        root.fail("the definition has no 'version'", _VERSION_HINT)
    node = root.fields["version"]
    is_number = isinstance(node.value, (int, float)) and not isinstance(node.value, bool) and node.value >= 0
    if not is_number and not (node.is_text and node.value):
        node.fail(f"'version' cannot be {fields.kind_of(node)}", _VERSION_HINT)
