"""What every `Store` must do. The test file of a store subclasses `StoreContract` and gives it that
store on the test's clock."""

from tests.server.store.contract_lobby import LobbyContract
from tests.server.store.contract_log import LogContract
from tests.server.store.contract_room import RoomContract
from tests.server.store.contract_telling import TellingContract
from tests.server.store.contract_tickets import TicketsContract
from tests.server.store.contract_votes import VotesContract


class StoreContract(
    RoomContract, LogContract, LobbyContract, TicketsContract, TellingContract, VotesContract
):
    """Subclasses give the fixture `make`."""
