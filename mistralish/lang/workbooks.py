"""Workbooks: workflows and ad-hoc actions under one name."""

import re
from collections.abc import Iterator

from mistralish.lang import fields
from mistralish.lang.actions import parse_action_node
from mistralish.lang.documents import read_document, workbook_version
from mistralish.lang.nodes import Node
from mistralish.lang.sizes import check_members
from mistralish.lang.slices import cut_definition
from mistralish.lang.specs import WorkbookSpec
from mistralish.lang.workflows import parse_workflow_node

_KEYS = ("version", "name", "description", "tags", "workflows", "actions")
_MEMBER_NAME = re.compile(r"[\w-]+\Z")


def parse_workbook(text: str) -> WorkbookSpec:
    """Return the workbook of a definition text. Raises LanguageError.

    Members keep their names without the workbook's; each has its own part of the text as ``definition``.
    """
    root = read_document(text)
    name = _check_workbook(root)
    lines = text.splitlines(keepends=True)
    actions = [(key, node, _cut(lines, root, "actions", key)) for key, node in _members(root, "actions", name)]
    workflows = [(key, node, _cut(lines, root, "workflows", key)) for key, node in _members(root, "workflows", name)]
    for section in ("actions", "workflows"):
        if section in root.value:
            root.value[section]["version"] = "2.0"
    return WorkbookSpec(
        name=name,
        actions=tuple(parse_action_node(node, key, cut) for key, node, cut in actions),
        workflows=tuple(parse_workflow_node(node, key, cut) for key, node, cut in workflows),
        description=root.value.get("description"),
        tags=tuple(root.value.get("tags", ())),
        definition=text,
        data=root.value,
    )


def _cut(lines: list[str], root: Node, section: str, name: str) -> str:
    return cut_definition(lines, root, root.fields[section], name)


def _check_workbook(root: Node) -> str:
    fields.known_keys(root.fields, _KEYS, "the workbook")
    workbook_version(root)
    if "name" not in root.fields:
        root.fail("the workbook has no 'name'", "write: name: and what it shall be called")
    name = fields.nonempty_text(root.fields["name"], "'name' of the workbook")
    fields.definition_name(name, root.fields["name"], "the workbook")
    if "description" in root.fields:
        fields.nonempty_text(root.fields["description"], "'description' of the workbook")
    if "tags" in root.fields:
        fields.text_list(root.fields["tags"], "'tags' of the workbook")
    return name


def _members(root: Node, section: str, workbook: str) -> Iterator[tuple[str, Node]]:
    if section not in root.fields:
        return
    what = f"'{section}' of the workbook"
    members = fields.nonempty_mapping(root.fields[section], what)
    check_members(members, root.fields[section], section.removesuffix("s"))
    for name, node in members.items():
        if name == "version":
            if node.value not in ("2.0", 2):
                node.fail(f"'version' in {what} cannot be {fields.kind_of(node)}", "leave it out, or write '2.0'")
            continue
        if _MEMBER_NAME.match(name) is None:
            node.fail_at_key(
                f"{fields.quoted(name)} cannot be a name in {what}", "use letters, digits, '_' and '-' only"
            )
        fields.name(f"{workbook}.{name}", node, f"{fields.quoted(name)} together with the workbook's")
        yield name, node
