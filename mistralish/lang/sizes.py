"""How much one definition may hold: bounds under which any text is accepted or refused within about two seconds.

Beside them stand those of a YAML document (``yaml_loader.YamlLimits``) and of names (``fields``).
"""

from collections.abc import Mapping

from mistralish.lang import expr
from mistralish.lang.errors import LanguageError
from mistralish.lang.nodes import Node

MAX_EXPRESSIONS = 20_000
MAX_TASKS = 10_000
MAX_MEMBERS = 1_000


def check_expressions(text: str) -> None:
    """Raise LanguageError where a text has too many expressions, told by the marks that begin them."""
    found = sum(text.count(mark) for mark in expr.MARKERS)
    if found > MAX_EXPRESSIONS:
        raise LanguageError(
            f"the definition has {found} expressions",
            hint=f"at most {MAX_EXPRESSIONS} are allowed: share it out among several definitions",
        )


def check_members(members: Mapping[str, Node], parent: Node, kind: str) -> None:
    """Raise LanguageError where a text has too many workflows or actions (``kind``), or these too many tasks."""
    if len(members) > MAX_MEMBERS:
        parent.fail(
            f"the definition has {len(members)} {kind}s",
            f"at most {MAX_MEMBERS} are allowed: share them out among several definitions",
        )
    tasks = sum(len(member.fields["tasks"].fields) for member in members.values() if "tasks" in member.fields)
    if tasks > MAX_TASKS:
        parent.fail(
            f"the definition has {tasks} tasks",
            f"at most {MAX_TASKS} are allowed: put some into workflows of their own",
        )
