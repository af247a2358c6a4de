"""YAML as ``yaml_dump`` and ``yaml_parse`` speak it: no tags of Python's, no anchors, no aliases."""

from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    """Reads ``&``, ``*`` and ``@`` as ordinary characters: nothing can expand, and names like @x need no quotes."""

    def fetch_alias(self) -> None:
        self.fetch_plain()

    def fetch_anchor(self) -> None:
        self.fetch_plain()

    def check_plain(self) -> bool:
        return self.peek() == "@" or bool(super().check_plain())


class _Dumper(yaml.SafeDumper):
    """Writes a value in full each time it occurs."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def parse_yaml(text: str | bytes) -> Any:
    """Return the one document in ``text``; raises yaml.YAMLError."""
    return yaml.load(text, _Loader)


def dump_yaml(data: Any) -> str:
    """Return JSON data as YAML text, block style, keys sorted."""
    return str(yaml.dump(data, Dumper=_Dumper, default_flow_style=False))
