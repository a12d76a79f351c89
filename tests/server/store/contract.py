"""What every `Store` must do. A store's own test file subclasses `StoreContract`, gives it a store
on a clock of the test's, and so runs all of it."""

from tests.server.store.contract_lobby import LobbyContract
from tests.server.store.contract_log import LogContract
from tests.server.store.contract_room import RoomContract
from tests.server.store.contract_telling import TellingContract


class StoreContract(RoomContract, LogContract, LobbyContract, TellingContract):
    """Subclasses give the fixture `make`."""
