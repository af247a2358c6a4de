"""Steps survive the database."""

from dataclasses import fields

import pytest

from mistralish.engine import steps
from mistralish.store.json_text import dump, load

ALL = [value for value in vars(steps).values() if isinstance(value, type) and value.__module__ == steps.__name__]
VALUES = {
    "action_id": "a", "child_id": "c", "data": {"deep": [1, None, "ü"]}, "error": ["e", {}], "is_error": True,
    "cancel": True, "state": "ERROR", "state_info": None, "output": {"x": 1}, "task_id": "t", "timeout": 2.5,
    "message": "because", "by_parent": True,
}  # fmt: skip


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_a_step_is_the_same_after_it_was_kept_as_json(kind):
    step = kind(**{f.name: VALUES[f.name] for f in fields(kind)})
    assert steps.from_json(load(dump(steps.to_json(step)))) == step


def test_there_are_steps_to_try():
    assert len(ALL) >= 14
