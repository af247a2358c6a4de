"""Keys take turns, each with a bounded share, and nothing is lost."""

from hypothesis import given
from hypothesis import strategies as st

from mistralish.executors.fair import FairQueue


def test_keys_take_turns():
    queue = FairQueue(10)
    for number in range(3):
        queue.put("a", f"a{number}")
    queue.put("b", "b0")
    assert [queue.take() for _ in range(5)] == ["a0", "b0", "a1", "a2", None]


def test_a_key_has_so_many_out_and_goes_on_when_one_is_done():
    queue = FairQueue(2)
    for number in range(4):
        queue.put("a", number)
    assert [queue.take(), queue.take(), queue.take()] == [0, 1, None]
    assert (queue.is_ready, len(queue)) == (False, 2)
    queue.done("a")
    assert (queue.is_ready, queue.take(), queue.is_ready) == (True, 2, False)


@given(
    st.lists(st.tuples(st.sampled_from(["put", "take", "done"]), st.integers(0, 3)), max_size=200), st.integers(1, 3)
)
def test_it_does_what_a_list_that_is_searched_would_do(steps, most):
    queue, kept, out, taken = FairQueue(most), [], [], 0
    for number, (step, key) in enumerate(steps):
        if step == "put":
            queue.put(key, (key, number))
            kept.append((key, number))
        elif step == "take":
            item = queue.take()
            free = [each for each in kept if out.count(each[0]) < most]
            assert (item is None) == (not free)
            if item is not None:
                assert item == next(each for each in kept if each[0] == item[0])
                kept.remove(item)
                out.append(item[0])
                taken += 1
        elif key in out:
            out.remove(key)
            queue.done(key)
        assert len(queue) == len(kept)
        assert queue.is_ready == any(out.count(each[0]) < most for each in kept)


def test_it_tells_how_much_of_a_key_waits_whether_it_may_be_taken_or_not() -> None:
    queue: FairQueue[int] = FairQueue(1)
    for item in range(3):
        queue.put("a", item)
    assert (queue.waiting("a"), queue.waiting("b")) == (3, 0)
    queue.take()
    assert queue.waiting("a") == 2
    queue.put("b", 1)
    assert (queue.waiting("a"), queue.waiting("b")) == (2, 1)
