"""The store: what is kept, and how it is asked for.

Start with ``open_store(url)``. ``documents`` has single rows, ``query`` lists, ``turn`` the engine's transaction,
``recovery`` what is waiting; ``models`` the tables, ``bulk`` the raw SQL, ``connection`` the databases.
"""

from mistralish.store.changes import Changes, StoredRun
from mistralish.store.json_text import spec_id
from mistralish.store.query import Page, Query, parse_query
from mistralish.store.store import Store, open_store
from mistralish.store.tenancy import Tenant
from mistralish.store.turn import Turn

__all__ = ["Changes", "Page", "Query", "Store", "StoredRun", "Tenant", "Turn", "open_store", "parse_query", "spec_id"]
