"""Numbers that are asked for often are read once, and again after each change that was committed."""

import threading

import pytest

from mistralish.store import Store
from mistralish.store.counters import Counter
from mistralish.store.migrations import CATALOG_REVISION


@pytest.fixture
def counter(store: Store) -> Counter:
    return Counter(store._connection, CATALOG_REVISION)


def test_a_change_is_seen_after_its_commit_and_not_before(store: Store, counter: Counter) -> None:
    before = counter.read() or 0
    seen = []
    with store.transaction():
        counter.increase()
        other = threading.Thread(target=lambda: seen.append(counter.read()))
        other.start()
        other.join()
    assert seen == [before]
    assert counter.read() == before + 1


def test_a_change_that_is_taken_back_was_none(store: Store, counter: Counter) -> None:
    def break_off() -> None:
        with store.transaction():
            counter.increase()
            raise RuntimeError

    before = counter.read()
    with pytest.raises(RuntimeError):
        break_off()
    assert counter.read() == before
    counter.increase()
    assert counter.read() == (before or 0) + 1


def test_it_is_put_only_where_it_is_what_was_expected(counter: Counter) -> None:
    assert counter.put(7)
    assert not counter.put(8, expected=6)
    assert counter.read() == 7
    assert counter.put(8, expected=7)
    assert counter.read() == counter.look_up() == 8


def test_what_was_read_while_it_changed_is_not_kept(
    store: Store, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up = counter.look_up

    def slowly() -> int | None:
        value = look_up()
        changer = threading.Thread(target=counter.increase)
        changer.start()
        changer.join()
        return value

    before = look_up() or 0
    monkeypatch.setattr(counter, "look_up", slowly)
    assert counter.read() == before
    monkeypatch.undo()
    assert counter.read() == before + 1


def test_it_is_read_once_where_no_other_process_can_change_it(
    store: Store, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up, looks = counter.look_up, []
    monkeypatch.setattr(counter, "look_up", lambda: looks.append(1) or look_up())
    for _ in range(3):
        counter.read()
    assert len(looks) == (1 if store.is_exclusive else 3)
