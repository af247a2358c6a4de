"""Cutting one definition out of a text that holds several, comments and all."""

import yaml

from mistralish.lang.nodes import Node


def cut_definition(lines: list[str], root: Node, parent: Node, name: str) -> str:
    """Return a text with the version and the one item ``name`` of ``parent``, as its author wrote it in ``lines``.

    What cannot be cut by lines (braces, merge keys) is written anew from its data. To be called before
    the data is completed.
    """
    node = parent.fields[name]
    if parent.flow or not _starts_line(lines, node):
        body = yaml.safe_dump({name: node.value}, sort_keys=False, allow_unicode=True)
    else:
        body = _cut_lines(lines, parent, node)
    return yaml.safe_dump({"version": root.fields["version"].value}) + "\n" + body


def _starts_line(lines: list[str], node: Node) -> bool:
    return not lines[node.key_line - 1][: node.key_column - 1].strip(" ")


def _cut_lines(lines: list[str], parent: Node, node: Node) -> str:
    indent = node.key_column - 1
    following = [other.key_line for other in parent.fields.values() if other.key_line > node.key_line]
    end = _with_comments(lines, min(following) - 1, indent) if following else _end_of_last(lines, parent)
    start = _with_comments(lines, node.key_line - 1, indent)
    block = [_dedent(line, indent) for line in lines[start:end]]
    while block and (not block[-1].strip() or (indent and _indent(lines[start + len(block) - 1]) < indent)):
        block.pop()
    return "".join(block).rstrip("\r\n") + "\n"


def _end_of_last(lines: list[str], parent: Node) -> int:
    """The index after the last line of the last item: the parent's end, or the end of the text."""
    at_end = parent.end_line >= len(lines) and not (lines and lines[-1].endswith(("\n", "\r")))
    return len(lines) if at_end else parent.end_line - 1


def _with_comments(lines: list[str], index: int, indent: int) -> int:
    """The index of the first of the comment lines directly above a line and not deeper than it."""
    while index > 0 and lines[index - 1].lstrip(" ").startswith("#") and _indent(lines[index - 1]) <= indent:
        index -= 1
    return index


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _dedent(line: str, indent: int) -> str:
    return line[min(indent, _indent(line)) :]
