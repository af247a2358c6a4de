"""Sub-workflows: their result, failure, pause, resume and cancel, down and up."""

from unit.engine.simulated import Simulation, error

TREE = """
version: '2.0'
main:
  tasks:
    m: {workflow: middle, on-error: rescue, on-success: after}
    rescue: {action: std.noop}
    after: {action: std.noop}
middle:
  tasks:
    l: {workflow: low}
    other: {action: std.async_noop}
low:
  tasks:
    a: {action: std.async_noop, on-success: b}
    b: {action: std.noop}
"""


def below(sim: Simulation) -> tuple[str, str]:
    middle = sim.children("m")[0].id
    return middle, sim.children("l", middle)[0].id


def all_states(sim: Simulation) -> list[str]:
    return [sim.rows.executions[x].state for x in (sim.root_id, *below(sim))]


def test_a_sub_workflow_knows_its_parent_task_and_root(simulate):
    sim = simulate(TREE).start()
    middle, low = (sim.rows.executions[x] for x in below(sim))
    assert low.parent_execution_id == middle.id
    assert low.root_execution_id == middle.root_execution_id == sim.root_id
    assert low.task_execution_id == sim.task("l", middle.id).id
    assert low.params["task_execution_id"] == low.task_execution_id


def test_the_result_of_a_sub_workflow_is_its_output(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      output: {r: <% $.r %>}
      tasks: {m: {workflow: low x=5, publish: {r: <% task().result %>}}}
    low:
      input: [x, {y: 2}]
      output: {sum: <% $.x + $.y %>}
      tasks: {a: {action: std.noop}}
    """).start()
    assert sim.output == {"r": {"sum": 7}}


def test_the_failure_of_a_sub_workflow_fails_its_task_with_the_reason(simulate):
    sim = simulate(TREE).start()
    sim.finish("other")
    sim.finish("a", error("too bad"))
    assert all_states(sim) == ["SUCCESS", "ERROR", "ERROR"]
    assert sim.states() == {"m": "ERROR", "rescue": "SUCCESS"}
    assert "too bad" in sim.task("m").state_info


def test_pause_goes_down_and_resume_goes_down(simulate):
    sim = simulate(TREE).start().pause()
    assert all_states(sim) == ["PAUSED"] * 3
    sim.finish("a")
    assert "b" not in sim.states(below(sim)[1])
    sim.resume()
    assert sim.states(below(sim)[1]) == {"a": "SUCCESS", "b": "SUCCESS"}
    assert sim.finish("other").state == "SUCCESS"


def test_the_pause_of_a_sub_workflow_goes_up_and_so_does_its_resume(simulate):
    sim = simulate(TREE).start()
    middle, low = below(sim)
    sim.pause(execution=low)
    assert all_states(sim) == ["PAUSED"] * 3
    assert sim.task("m").state == sim.task("l", middle).state == "PAUSED"
    sim.resume(execution=low)
    assert all_states(sim) == ["RUNNING"] * 3
    assert sim.task("m").state == "RUNNING"
    sim.finish("a")
    assert sim.finish("other").state == "SUCCESS"


def test_pause_before_in_a_sub_workflow_pauses_all_above(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      tasks: {m: {workflow: low}}
    low:
      tasks:
        a: {action: std.noop, on-success: b}
        b: {action: std.noop, pause-before: true}
    """).start()
    child = sim.children("m")[0].id
    assert sim.state == sim.rows.executions[child].state == "PAUSED"
    sim.resume()
    assert sim.state == sim.rows.executions[child].state == "SUCCESS"


def test_a_parent_stays_paused_while_one_of_its_sub_workflows_is(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      tasks:
        one: {workflow: low}
        two: {workflow: low}
    low:
      tasks: {a: {action: std.async_noop}}
    """).start()
    one, two = sim.children("one")[0].id, sim.children("two")[0].id
    sim.pause()
    sim.resume(execution=one)
    assert [sim.state, sim.rows.executions[one].state, sim.rows.executions[two].state] == [
        "PAUSED",
        "RUNNING",
        "PAUSED",
    ]
    sim.resume(execution=two)
    assert sim.state == "RUNNING"
    while sim.waiting:
        sim.finish(next(iter(sim.waiting)))
    assert sim.state == "SUCCESS"


def test_cancel_goes_down(simulate):
    sim = simulate(TREE).start().stop("CANCELLED", "not wanted")
    assert all_states(sim) == ["CANCELLED"] * 3
    assert sim.rows.executions[below(sim)[1]].state_info == "not wanted"


def test_a_cancelled_sub_workflow_cancels_its_task_and_then_the_parent(simulate):
    sim = simulate(TREE).start()
    sim.finish("other")
    sim.stop("CANCELLED", execution=below(sim)[1])
    assert all_states(sim) == ["CANCELLED"] * 3
    assert sim.states() == {"m": "CANCELLED"}


def test_stopping_a_parent_in_error_leaves_the_sub_workflows_alone_and_their_end_changes_nothing(simulate):
    sim = simulate(TREE).start().stop("ERROR", "enough")
    assert all_states(sim) == ["ERROR", "RUNNING", "RUNNING"]
    sim.finish("a")
    sim.finish("other")
    assert all_states(sim) == ["ERROR", "SUCCESS", "SUCCESS"]
    assert "after" not in sim.states()


def test_parameters_that_are_no_input_of_the_sub_workflow_become_its_params(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      tasks: {m: {workflow: low, input: {task_name: b, x: 1}}}
    low:
      type: reverse
      input: [x]
      tasks:
        a: {action: std.noop}
        b: {action: std.noop, requires: a}
        c: {action: std.noop}
    """).start()
    child = sim.children("m")[0]
    assert child.input == {"x": 1}
    assert child.params["task_name"] == "b"
    assert sim.states(child.id) == {"a": "SUCCESS", "b": "SUCCESS"}


def test_a_reverse_sub_workflow_without_a_target_fails_the_task_that_starts_it(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      tasks: {m: {workflow: low, on-error: rescue}, rescue: {action: std.noop}}
    low:
      type: reverse
      tasks: {a: {action: std.noop}}
    """).start()
    assert sim.states() == {"m": "ERROR", "rescue": "SUCCESS"}
    assert "task_name" in sim.task("m").state_info


def test_a_missing_input_of_a_sub_workflow_fails_the_task_that_starts_it(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      tasks: {m: {workflow: low, on-error: rescue}, rescue: {action: std.noop}}
    low:
      input: [x]
      tasks: {a: {action: std.noop}}
    """).start()
    assert sim.states() == {"m": "ERROR", "rescue": "SUCCESS"}


def test_the_environment_is_the_roots_for_all_below(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      output: {r: <% $.r %>}
      tasks: {m: {workflow: low, publish: {r: <% task().result.e %>}}}
    low:
      output: {e: <% env().e %>}
      tasks: {a: {action: std.async_noop}}
    """).start(params={"env": {"e": 1}})
    sim.pause().resume({"e": 2}).finish("a")
    assert sim.output == {"r": 2}


def test_members_of_a_workbook_know_each_other_by_their_short_names(simulate):
    sim = simulate(
        workbook="""
    version: '2.0'
    name: book
    workflows:
      main:
        output: {r: <% $.r %>}
        tasks: {m: {workflow: low, publish: {r: <% task().result.said %>}}}
      low:
        output: {said: <% $.said %>}
        tasks: {a: {action: greet who="you", publish: {said: <% task().result %>}}}
    actions:
      greet:
        base: std.echo
        base-input: {output: "hello <% $.who %>"}
        input: [who]
        output: "<% $ %>!"
    """
    )
    assert sim.start("book.main").output == {"r": "hello you!"}


def test_a_namespace_is_looked_into_before_the_default_one(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      output: {r: <% $.r %>}
      tasks: {m: {workflow: low, publish: {r: <% task().result.x %>}}, d: {workflow: default}}
    low: {output: {x: default}, tasks: {a: {action: std.noop}}}
    default: {tasks: {a: {action: std.noop}}}
    """)
    sim.world.define(
        """
    version: '2.0'
    main:
      output: {r: <% $.r %>}
      tasks: {m: {workflow: low, publish: {r: <% task().result.x %>}}, d: {workflow: default}}
    low: {output: {x: special}, tasks: {a: {action: std.noop}}}
    """,
        namespace="special",
    )
    assert sim.start().output == {"r": "default"}
    assert sim.start(namespace="special").output == {"r": "special"}


def test_a_workflow_may_start_itself_below_until_its_condition_ends_it(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      input: [{n: 5}]
      output: {depth: "<% $.get(depth, 0) %>"}
      tasks:
        a: {action: std.noop, on-success: [{down: <% $.n > 0 %>}]}
        down: {workflow: main n=<% $.n - 1 %>, publish: {depth: <% task().result.depth + 1 %>}}
    """).start()
    assert sim.output == {"depth": 5}
    assert len(sim.rows.executions) == 6


def test_a_sub_workflow_that_its_task_no_longer_waits_for_is_cancelled_with_the_parent(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      tasks:
        m: {workflow: low, timeout: 3, on-error: after}
        after: {action: std.async_noop}
    low:
      tasks: {a: {action: std.async_noop}}
    """).start()
    sim.advance(4)
    assert sim.states() == {"m": "ERROR", "after": "RUNNING"}
    sim.stop("CANCELLED")
    assert sim.children("m")[0].state == "CANCELLED"


def test_who_started_the_tree_is_known_in_all_of_it(simulate):
    sim = simulate(TREE).start(openstack={"user_name": "ann"})
    assert [sim.rows.executions[x].context["openstack"] for x in (sim.root_id, *below(sim))] == [
        {"user_name": "ann"}
    ] * 3
