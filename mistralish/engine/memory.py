"""The runs that are kept in memory, because something is likely to happen to them soon."""

from collections import OrderedDict

from mistralish import states
from mistralish.engine import steps
from mistralish.engine.catalog import Catalog
from mistralish.engine.machine import joins
from mistralish.engine.run import Child, ChildRef, Environment, Run, TaskRun
from mistralish.store import StoredRun, Turn


class Memory:
    """Runs by execution id, the most recently used last; and by tree, with the version they were read at.

    ``merges``: how all of them publish (the setting ``merge_strategy``).
    """

    def __init__(self, catalog: Catalog, limit: int, merges: bool = False) -> None:
        self.merges = merges
        self._catalog = catalog
        self._limit = limit
        self._runs: OrderedDict[str, Run] = OrderedDict()
        self._trees: dict[str, set[str]] = {}
        self._versions: dict[str, int] = {}

    @property
    def size(self) -> int:
        """How many runs there are."""
        return len(self._runs)

    def get(self, execution_id: str) -> Run | None:
        """A run that is in memory."""
        run = self._runs.get(execution_id)
        if run is not None:
            self._runs.move_to_end(execution_id)
        return run

    def add(self, run: Run) -> None:
        """Keep a run."""
        self._runs[run.ex.id] = run
        self._trees.setdefault(run.root_id, set()).add(run.ex.id)

    def load(self, turn: Turn, execution_id: str) -> Run | None:
        """A run from memory, or from the database; None where there is no such execution."""
        run = self.get(execution_id)
        if run is None:
            stored = turn.load_run(execution_id)
            if stored is None:
                return None
            run = self._rebuild(turn, stored)
            self.add(run)
        return run

    def match_versions(self, locked: dict[str, int]) -> None:
        """Forget the trees that another process has changed since we read them."""
        for root_id, version in locked.items():
            if self._versions.get(root_id, version) != version:
                self.forget_tree(root_id)
            self._versions[root_id] = version

    def note_versions(self, locked: dict[str, int]) -> None:
        """Remember the versions of the trees that we have just written."""
        for root_id, version in locked.items():
            if root_id in self._trees:
                self._versions[root_id] = version
            else:
                self._versions.pop(root_id, None)

    def forget(self, run: Run) -> None:
        """Drop one run."""
        self._runs.pop(run.ex.id, None)
        tree = self._trees.get(run.root_id)
        if tree is not None:
            tree.discard(run.ex.id)
            if not tree:
                del self._trees[run.root_id]
                self._versions.pop(run.root_id, None)

    def forget_tree(self, root_id: str) -> None:
        """Drop all runs of a tree."""
        for execution_id in self._trees.pop(root_id, ()):
            self._runs.pop(execution_id, None)
        self._versions.pop(root_id, None)

    def trim(self) -> None:
        """Drop the runs that were longest unused, down to the limit."""
        while len(self._runs) > self._limit:
            self.forget(next(iter(self._runs.values())))

    def _rebuild(self, turn: Turn, stored: StoredRun) -> Run:
        ex = stored.execution
        run = Run(ex, self._catalog.plan(ex.spec_id), self._environment(turn, stored), self.merges)
        run.seq = stored.history_seq
        for rec in stored.tasks:
            task = TaskRun(rec, run.plan.tasks[rec.name])
            if rec.state in states.COMPLETED and rec.processed:
                task.children = None
            run.add_task(task)
            run.completions = max(run.completions, rec.completed_seq)
        children: list[Child] = [*stored.actions, *(ChildRef(c) for c in stored.children)]
        for child in children:
            owner = child.task_execution_id if not isinstance(child, ChildRef) else child.task_id
            holder = run.tasks.get(owner or "")
            if holder is not None and holder.children is not None:
                holder.children[child.id] = child
                run.actions[child.id] = holder
        for task in run.tasks.values():
            task.recount()
            if task.rec.state == states.WAITING and task.plan.spec.join:
                # So that its branches are counted from here on as if the run had been kept.
                joins.evaluate(run, task)
        for timer in stored.timers:
            holder = run.tasks.get(getattr(steps.from_json(timer.command), "task_id", ""))
            if holder is not None:
                holder.timers = [*(holder.timers or ()), timer.id]
        return run

    def _environment(self, turn: Turn, stored: StoredRun) -> Environment:
        ex = stored.execution
        if ex.root_execution_id is None:
            return Environment(ex.params.get("env") or {})
        for execution_id in self._trees.get(ex.root_execution_id, ()):
            return self._runs[execution_id].environment
        root = self.load(turn, ex.root_execution_id)
        return root.environment if root is not None else Environment(ex.params.get("env") or {})
