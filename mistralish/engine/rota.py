"""In which order a turn comes to the commands that nobody waits for: tree after tree, not a step of each.

What is done for a tree of executions at a stretch is written together. A chain that one turn finishes has each row
written once; a step of it in each of ten turns would write its rows, and their places in indexes, again and again.
"""

from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Any, Generic, Protocol, TypeVar

STRETCH = 120
"""After how many commands of one tree another one's turn comes."""


class OfTree(Protocol):
    """Anything that asks something of a tree of executions."""

    root_id: str
    command: Any


Item = TypeVar("Item", bound=OfTree)


class Rota(Generic[Item]):
    """A line of commands for each tree; within a tree it is first come, first served.

    ``under_way``: the tree that the last turn was at, and how many of its commands it had taken at a stretch.
    """

    def __init__(self, under_way: tuple[str, int] = ("", 0)) -> None:
        self._lines: OrderedDict[str, deque[Item]] = OrderedDict()
        self._given: dict[str, int] = {}
        self._head, self._taken = under_way
        self._size = 0
        self.come_to: set[str] = set()
        """The trees of which a command was taken."""

    def give(self, item: Item) -> None:
        """Add a command that was there before the turn."""
        self.follow(item)
        self._given[item.root_id] = self._given.get(item.root_id, 0) + 1

    def follow(self, item: Item) -> None:
        """Add a command that follows from what the turn has decided."""
        self._lines.setdefault(item.root_id, deque()).append(item)
        self._size += 1

    def take(self) -> Item:
        """Remove the next command and return it. There must be one."""
        line = self._next_line()
        item = line.popleft()
        self._size -= 1
        self._taken += 1
        self.come_to.add(item.root_id)
        if self._given.get(item.root_id):
            self._given[item.root_id] -= 1
        return item

    def take_first(self, root_id: str, kind: type) -> Item | None:
        """Remove and return the first command of a tree, if it is one of this kind; None where it is not."""
        line = self._lines.get(root_id)
        if not line or not isinstance(line[0].command, kind):
            return None
        self._size -= 1
        if self._given.get(root_id):
            self._given[root_id] -= 1
        return line.popleft()

    def left(self, others_wait: bool = False) -> tuple[list[Item], list[Item]]:
        """What is to keep its place before all that came later, and what goes behind that.

        Of what has followed, only that of the tree that was under way goes on at once: many new trees would keep an old
        one waiting. Not even that where ``others_wait`` that the turn was not given: they may be of the same tree.
        """
        front: list[Item] = []
        back: list[Item] = []
        for root_id, line in self._lines.items():
            goes_on = root_id == self._head and not others_wait
            keeping = len(line) if goes_on else self._given.get(root_id, 0)
            items = list(line)
            front += items[:keeping]
            back += items[keeping:]
        return front, back

    @property
    def goes_on(self) -> bool:
        """Whether the next command is of the tree that the last one was of, within its stretch."""
        return self._head in self.come_to and self._taken < STRETCH and bool(self._lines.get(self._head))

    @property
    def under_way(self) -> tuple[str, int]:
        """The tree that is under way, and how many of its commands were taken at a stretch."""
        return self._head, self._taken

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Item]:
        return (item for line in self._lines.values() for item in line)

    def _next_line(self) -> deque[Item]:
        while True:
            root_id, line = next(iter(self._lines.items()))
            if root_id != self._head:
                self._head, self._taken = root_id, 0
            # An empty line is kept until now: what follows from a tree's last command is still its turn.
            if line and self._taken < STRETCH:
                return line
            if line:
                self._lines.move_to_end(root_id)
            else:
                del self._lines[root_id]
            self._head = ""
