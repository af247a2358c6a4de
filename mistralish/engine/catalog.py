"""Definitions as the engine needs them: looked up by name, compiled, and kept for as long as they are current."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from mistralish.actions import Action, Registry, resolve_action
from mistralish.engine.plan import Plan, build_plan
from mistralish.engine.world import Definition
from mistralish.lang import load_action, load_workflow
from mistralish.store import Store, Tenant
from mistralish.store.json_text import spec_id

_PLANS = 1_000
_ENTRIES = 10_000


class Catalog:
    """Finds definitions for the engine. ``refresh`` once a turn: it forgets what somebody has changed."""

    def __init__(self, store: Store, registry: Registry) -> None:
        self._store = store
        self._registry = registry
        self._revision = -1
        self._found: dict[tuple[str, str, str, str], Any] = {}
        self._plans: OrderedDict[str, Plan] = OrderedDict()

    def refresh(self) -> None:
        """Forget what was found if a definition has been written since."""
        revision = self._store.revision()
        if revision != self._revision or len(self._found) > _ENTRIES:
            self._found.clear()
            self._revision = revision

    def workflow(self, name: str, namespace: str, project_id: str) -> Definition | None:
        """A workflow by id or name: in the namespace, else in the default one."""
        return self._once(("workflow", name, namespace, project_id), self._load_workflow)

    def action(self, name: str, namespace: str, project_id: str) -> Action | None:
        """An action by name: an ad-hoc one, else a system action. Raises InputError where its base is not there."""
        return self._once(("action", name, namespace, project_id), self._load_action)

    def environment(self, name: str, project_id: str) -> dict[str, Any] | None:
        """The variables of a stored environment."""
        found = self._store.find("environment", name, tenant=Tenant(project_id))
        return None if found is None else found["variables"]

    def plan(self, spec_id: str) -> Plan:
        """The plan of a specification that an execution refers to."""
        plan = self._plans.get(spec_id)
        if plan is None:
            plan = build_plan(load_workflow(self._store.load_spec(spec_id)), spec_id)
            self._keep(plan)
        self._plans.move_to_end(spec_id)
        return plan

    def _once(self, key: tuple[str, str, str, str], load: Callable[[str, str, str], Any]) -> Any:
        if key not in self._found:
            self._found[key] = load(*key[1:])
        return self._found[key]

    def _load_workflow(self, name: str, namespace: str, project_id: str) -> Definition | None:
        row = self._store.find("workflow", name, tenant=Tenant(project_id), namespace=namespace)
        if row is None:
            return None
        key = spec_id(row["spec"])
        plan = self._plans.get(key)
        if plan is None:
            plan = build_plan(load_workflow(row["spec"]), key)
            self._keep(plan)
        return Definition(
            row["id"], row["name"], row["namespace"] or "", row["tags"], row.get("workbook_name") or None, plan
        )

    def _load_action(self, name: str, namespace: str, project_id: str) -> Action | None:
        def load_spec(wanted: str) -> Any:
            row = self._store.find("action", wanted, tenant=Tenant(project_id), namespace=namespace)
            return load_action(row["spec"]) if row is not None and not row["is_system"] else None

        return resolve_action(name, self._registry.seen_by(project_id, namespace), load_spec, namespace)

    def _keep(self, plan: Plan) -> None:
        self._plans[plan.spec_id] = plan
        if len(self._plans) > _PLANS:
            self._plans.popitem(last=False)
