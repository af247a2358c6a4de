"""Publishing: what reaches whom."""

from unit.engine.simulated import Simulation, error, ok


def test_what_a_branch_publishes_is_seen_by_its_own_branch_only(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      tasks:
        a: {publish: {x: 1}, on-success: a2}
        b: {action: std.async_noop, on-success: b2}
        a2: {action: std.echo output=<% $.get(x) %>, publish: {a2: <% task().result %>}}
        b2: {action: std.echo output=<% $.get(x) %>, publish: {b2: <% task().result %>}}
    """).start()
    sim.finish("b")
    assert sim.task("a2").published == {"a2": 1}
    assert sim.task("b2").published == {"b2": None}


def test_global_variables_are_seen_everywhere_and_branch_variables_go_before_them(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      tasks:
        a:
          action: std.noop
          on-success: {publish: {global: {x: global}, branch: {x: branch}}, next: [a2]}
        a2: {publish: {seen: <% $.x %>, g: <% global(x) %>}}
        b: {action: std.async_noop, publish: {seen: <% $.x %>}}
    """).start()
    sim.finish("b")
    assert sim.task("a2").published == {"seen": "branch", "g": "global"}
    assert sim.task("b").published == {"seen": "global"}


def test_atomic_variables_are_global_ones(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      output: {x: <% $.x %>}
      tasks:
        a: {action: std.noop, on-success: {publish: {atomic: {x: 5}}}}
    """).start()
    assert sim.output == {"x": 5}
    assert sim.ex.context["x"] == 5


def test_publish_on_error_is_published_by_a_failed_task(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      tasks:
        a:
          action: std.fail error_data="oh"
          publish: {good: 1}
          publish-on-error: {bad: <% task().result %>}
          on-error: b
        b: {publish: {seen: <% $.bad %>}}
    """).start()
    assert sim.task("a").published == {"bad": "oh"}
    assert sim.task("b").published == {"seen": "oh"}


def test_a_published_variable_replaces_one_of_the_input_for_what_follows(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      input: [x]
      output: {x: <% $.x %>}
      tasks:
        a: {publish: {x: 2}, on-success: b}
        b: {publish: {x: <% $.x + 1 %>}}
    """).start(given={"x": 1})
    assert sim.output == {"x": 3}
    assert sim.ex.input == {"x": 1}


def test_without_output_the_published_variables_are_the_output(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      tasks:
        a: {publish: {x: 1}, on-success: b}
        b: {publish: {y: 2}}
        c: {publish: {z: 3}}
    """).start()
    assert sim.output == {"x": 1, "y": 2, "z": 3}


def test_output_on_error_joins_the_message(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      output: {never: 1}
      output-on-error: {why: <% $.y %>}
      tasks:
        a: {publish: {y: because}, on-success: b}
        b: {action: std.fail}
    """).start()
    assert sim.state == "ERROR"
    assert sim.output["why"] == "because"
    assert sim.output["result"].startswith("Failure caused by error in tasks: b")
    assert "never" not in sim.output


def test_an_error_in_output_fails_the_execution(simulate):
    sim = simulate("version: '2.0'\nmain: {output: {x: <% $.no %>}, tasks: {a: {action: std.noop}}}").start()
    assert sim.state == "ERROR"
    assert sim.ex.state_info.startswith("Failed to check and complete")


def test_an_error_in_output_on_error_still_tells_the_cause(simulate):
    sim = simulate("version: '2.0'\nmain: {output-on-error: {x: <% $.no %>}, tasks: {a: {action: std.fail}}}").start()
    assert sim.state == "ERROR"
    assert "output-on-error" in sim.ex.state_info
    assert "Failure caused by error in tasks: a" in sim.ex.state_info


def test_keep_result_false_drops_the_result_once_it_is_published(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      tasks:
        a: {action: std.echo output="big", keep-result: false, publish: {x: <% task().result %>}, on-success: b}
        b: {publish: {again: <% task(a).result %>}}
    """).start()
    assert sim.task("a").published == {"x": "big"}
    assert sim.actions("a")[0].output == {}
    assert sim.task("b").published == {"again": None}


def test_functions_tell_of_tasks_and_the_execution(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      tasks:
        a: {action: std.echo output=1, on-success: b}
        b:
          action: std.noop
          publish:
            me: <% task().name %>
            before: <% task(a).result %>
            states: <% tasks(execution().id).select($.state) %>
            failed: <% tasks(execution().id, false, ERROR).len() %>
            nobody: <% task(c) %>
            id: <% execution().id %>
            also: "{{ _.__execution.id }}"
            env: <% env().get(e) %>
        c: {action: std.async_noop}
    """).start(params={"env": {"e": 5}})
    sim.finish("c")
    published = sim.task("b").published
    assert published["me"] == "b"
    assert published["before"] == 1
    assert sorted(published["states"]) == ["RUNNING", "SUCCESS", "SUCCESS"]
    assert published["failed"] == 0
    assert published["id"] == published["also"] == sim.root_id
    assert published["env"] == 5


def test_a_result_that_exceeds_the_limit_fails_task_and_execution(simulate):
    text = """
    version: '2.0'
    main:
      tasks:
        a: {action: std.async_noop, on-error: b}
        b: {action: std.noop}
    """
    sim = simulate(text, field_limit=1).start()
    sim.finish("a", ok("x" * 2000))
    assert sim.state == "ERROR"
    assert "Field size limit exceeded" in sim.ex.state_info
    assert sim.states() == {"a": "ERROR"}
    assert simulate(text, field_limit=1).start().finish("a", ok("x" * 900)).state == "SUCCESS"


def test_a_published_value_that_exceeds_the_limit_fails_the_execution(simulate):
    text = """
    version: '2.0'
    main:
      tasks:
        a: {action: std.noop, publish: {x: <% $.long * 40 %>}}
      input: [long]
    """
    sim = simulate(text, field_limit=1).start(given={"long": "x" * 90})
    assert sim.state == "ERROR"
    assert "published" in sim.ex.state_info


def test_what_a_failed_try_published_is_not_left_over_from_success(simulate):
    sim = simulate(
        """
    version: '2.0'
    main:
      tasks:
        a: {action: std.noop, retry: {count: 1, delay: 1}, publish: {x: 1}}
    """,
        mocks={"a": [error(), ok()]},
    ).start()
    assert sim.task("a").published == {}
    assert sim.advance(1).output == {"x": 1}


def test_contexts_are_shared_not_copied_from_task_to_task():
    sim = Simulation(
        """
    version: '2.0'
    main:
      tasks:
        a: {publish: {x: 1}, on-success: [b, c]}
        b: {action: std.async_noop, on-success: d}
        c: {action: std.async_noop}
        d: {action: std.async_noop}
    """
    ).start()
    sim.finish("b")
    run = sim.run()
    assert run.latest("d").in_context.vars is run.latest("c").in_context.vars
