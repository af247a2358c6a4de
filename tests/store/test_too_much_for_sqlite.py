"""A statement that SQLite does not take is the caller's to make smaller: the database is all right."""

import pytest

from mistralish.errors import InputError
from mistralish.store.connection import connect


def test_a_statement_that_is_too_deep_is_refused_and_is_no_outage(tmp_path: object) -> None:
    connection = connect(f"sqlite:///{tmp_path}/deep.db")
    with pytest.raises(InputError, match="ask for less at once"), connection.read() as database:
        database.execute_sql(f"SELECT {'(' * 500}1{')' * 500}")
    assert not connection.outage.is_on
    connection.close()
