"""YAML text → values with their places, within bounds.

Like the reference, ``&``, ``*`` and ``@`` are ordinary characters at the start of a plain scalar: there are
no anchors and no aliases, so nothing can expand. Tags other than YAML's core ones are refused, and so are
duplicate keys and keys that are not scalars.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import yaml

from mistralish.lang.errors import LanguageError
from mistralish.lang.nodes import Node
from mistralish.lang.yaml_hints import syntax_error
from mistralish.lang.yaml_scalars import CORE_TAGS, MERGE_TAG, ScalarError, construct, json_key, resolve_tag

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN_INDICATORS = "&*@"
_PRIVATE_USE = range(0xE000, 0xF900)


@dataclass(frozen=True, slots=True)
class YamlLimits:
    """Bounds of a document: ``size`` in characters, ``nodes`` in values and keys, ``depth`` in nested levels."""

    size: int = 4 * 1024 * 1024
    nodes: int = 200_000
    depth: int = 64


DEFAULT = YamlLimits()


def load_yaml(text: str, limits: YamlLimits = DEFAULT) -> Any:
    """Return the plain, JSON-compatible data of the one document in ``text`` (None where it is empty).

    Dates become ISO 8601 text and mapping keys become text, as JSON has them. Raises LanguageError.
    """
    node = load_node(text, limits)
    return None if node is None else node.value


def load_node(text: str, limits: YamlLimits = DEFAULT) -> Node | None:
    """Return the one document in ``text`` with all places, None where it is empty. Raises LanguageError."""
    if len(text) > limits.size:
        raise LanguageError(f"the definition has {len(text)} characters", hint=f"at most {limits.size} are allowed")
    return _Composer(text, limits).document()


class _Composer:
    """Builds nodes out of the parser's events, counting them."""

    def __init__(self, text: str, limits: YamlLimits) -> None:
        self._text = text
        self._limits = limits
        self._nodes = 0
        self._depth = 0
        self._shield, self._unshield = _shields(text)
        self._events = self._read_events()

    def document(self) -> Node | None:
        node: Node | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if node is not None:
                    self._fail(event, "a second document starts here", "keep one document to a definition")
                node = self._value(next(self._events))
        return node

    def _read_events(self) -> Iterator[Any]:
        try:
            yield from yaml.parse(self._text.translate(self._shield), Loader=_LOADER)
        except (yaml.YAMLError, UnicodeError) as e:
            raise syntax_error(e, self._text) from None

    def _value(self, event: Any) -> Node:
        self._nodes += 1
        if self._nodes > self._limits.nodes:
            self._fail(event, "the definition has too many values", f"at most {self._limits.nodes} are allowed")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            return self._collection(event)
        self._fail(event, "anchors and aliases are not part of the language", "write the value out, or quote it")

    def _scalar(self, event: yaml.ScalarEvent) -> Node:
        event.value = event.value.translate(self._unshield)
        tag = resolve_tag(event)
        self._check_tag(event)
        try:
            value, is_date = construct(tag, event.value)
        except ScalarError as e:
            self._fail(event, *e.args)
        return self._node(event, event, value, is_date=is_date)

    def _collection(self, event: Any) -> Node:
        self._check_tag(event)
        self._depth += 1
        if self._depth > self._limits.depth:
            self._fail(event, "values are nested too deep", f"at most {self._limits.depth} levels are allowed")
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        node = self._mapping(event) if is_mapping else self._sequence(event)
        self._depth -= 1
        return node

    def _sequence(self, start: Any) -> Node:
        items: list[Node] = []
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self._value(event))
        node = self._node(start, event, [item.value for item in items])
        node.items = items
        return node

    def _mapping(self, start: Any) -> Node:
        fields: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            self._pair(event, fields, merged)
        fields = merged | fields
        node = self._node(start, event, {name: child.value for name, child in fields.items()})
        node.fields = fields
        node.flow = bool(start.flow_style)
        return node

    def _pair(self, event: Any, fields: dict[str, Node], merged: dict[str, Node]) -> None:
        if not isinstance(event, yaml.ScalarEvent):
            self._fail(
                event, "a key must be text, not a list or mapping", "if this is an expression, quote it: '{{ … }}'"
            )
        if resolve_tag(event) == MERGE_TAG:
            merged.update(self._merge_sources(self._value(next(self._events))))
            return
        key = self._value(event)
        name = json_key(key.value)
        child = self._value(next(self._events))
        child.key_line, child.key_column = key.line, key.column
        child.odd_key = not key.is_text
        if name in fields:
            first = fields[name]
            key.fail(
                f"duplicate key '{name[:80]}'",
                f"it is already at line {first.key_line}, column {first.key_column}; keep one of them",
            )
        fields[name] = child

    def _merge_sources(self, node: Node) -> dict[str, Node]:
        """What ``<<: {…}`` or ``<<: [{…}, …]`` brings in; of several sources the first has the say."""
        sources = node.items if isinstance(node.value, list) else [node]
        merged: dict[str, Node] = {}
        for source in sources:
            if not isinstance(source.value, dict):
                source.fail("'<<' merges mappings only", "give it a mapping or a list of mappings")
            merged = source.fields | merged
        return merged

    def _check_tag(self, event: Any) -> None:
        if event.tag is not None and event.tag != "!" and event.tag not in CORE_TAGS:
            tag = str(event.tag).translate(self._unshield)
            self._fail(event, f"the tag '{tag[:80]}' is not allowed", "write the value without a tag")

    def _node(self, start: Any, end: Any, value: Any, is_date: bool = False) -> Node:
        mark = start.start_mark
        return Node(value, mark.line + 1, mark.column + 1, end.end_mark.line + 1, is_date=is_date)

    def _fail(self, event: Any, problem: str, hint: str) -> NoReturn:
        mark = event.start_mark
        raise LanguageError(problem, line=mark.line + 1, column=mark.column + 1, hint=hint)


def _shields(text: str) -> tuple[dict[int, int], dict[int, int]]:
    """Translations that hide the characters YAML would take for anchors and aliases, and bring them back."""
    free = (code for code in _PRIVATE_USE if chr(code) not in text)
    shield: dict[int, int] = {}
    for character in _PLAIN_INDICATORS:
        if character in text:
            code = next(free, None)
            if code is None:
                raise LanguageError("the definition uses every private-use character of Unicode", hint="leave one out")
            shield[ord(character)] = code
    return shield, {code: character for character, code in shield.items()}
