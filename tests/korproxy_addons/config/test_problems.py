"""How a problem reads."""

from korproxy_addons.config.problems import ConfigProblem, ConfigProblems, dotted


def test_dotted() -> None:
    assert dotted(()) == ""
    assert dotted(("accounts", 0, "provider")) == "accounts[0].provider"


def test_a_problem_names_file_line_column_key_expectation_and_find() -> None:
    problem = ConfigProblem("c.yaml", 3, 5, "listen.port", "a number", "a text")
    assert str(problem) == "c.yaml:3:5: listen.port: expected a number; found a text"
    whole = ConfigProblem("c.yaml", 1, 1, "", "a file", "nothing")
    assert str(whole) == "c.yaml:1:1: expected a file; found nothing"


def test_problems_stand_in_the_order_of_the_file() -> None:
    late, early = (ConfigProblem("f", line, 1, "", "x", "y") for line in (9, 2))
    error = ConfigProblems([late, early])
    assert error.problems == (early, late)
    assert "f:2:1" in error.message()
    assert error.spec.code == "KP-CONF-201"
