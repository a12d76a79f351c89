"""Every setting of the relay: by flag, by environment (`ALCOVE_…`) or in a file, in this order.

A field's description is its line in `--help`. Sizes are bytes and times are seconds.
"""

from typing import Annotated, Final, Literal, Self, get_args
from urllib.parse import urlsplit

from alcove_protocol import limits
from alcove_protocol.invite import origin_of
from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from alcove_server.networks import parse_network
from alcove_server.store_address import parse

StoreScheme = Literal[
    "memory",
    "redis",
    "rediss",
    "redis+sentinel",
    "rediss+sentinel",
    "redis+cluster",
    "rediss+cluster",
]
"""Schemes of the URL of a store. `store.opening` does not compile until it opens each of them."""
STORES: Final[tuple[StoreScheme, ...]] = get_args(StoreScheme)
KNOWN = ", ".join(f"{scheme}:" for scheme in STORES)
LOG_LEVELS = ("debug", "info", "warning", "error")


class Settings(BaseSettings):
    """Validated when made. Raises `pydantic.ValidationError`."""

    model_config = SettingsConfigDict(
        env_prefix="ALCOVE_", frozen=True, extra="forbid", hide_input_in_errors=True
    )

    host: str = Field(default="127.0.0.1", description="the address to listen on")
    port: int = Field(
        default=8400, ge=0, le=65535, description="the port to listen on; 0 picks a free one"
    )
    management: str = Field(
        default="", description="HOST:PORT of a port of its own for health, out of clients' reach"
    )
    tls_certificate: str = Field(
        default="", description="file with the certificate and its chain (PEM), to end TLS here"
    )
    tls_key: str = Field(default="", description="file with the certificate's key (PEM)")
    store: str = Field(  # it may hold a password
        default="memory:", description=f"where rooms are kept, a URL: {KNOWN}", repr=False
    )
    store_replicas: int = Field(
        default=0,
        ge=0,
        le=8,
        description="replicas that must have what is acknowledged: all that a primary has",
    )
    store_certificate: str = Field(
        default="",
        description="file with the relay's certificate (PEM), if Redis asks for one",
    )
    store_key: str = Field(default="", description="file with that certificate's key (PEM)")
    origin: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="addresses by which clients reach this relay, such as https://relay.example",
    )
    web_origin: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="web origins whose pages may connect; none unless named"
    )
    workers: int = Field(
        default=1,
        ge=1,
        le=64,
        description="processes that share port and limits; more than one need a store on Redis",
    )
    log_level: str = Field(default="info", description="debug, info, warning or error")
    rooms: int = Field(
        default=10_000, ge=1, description="rooms at the same time; on Redis store-bytes bounds them"
    )
    connections: int = Field(default=16_000, ge=1, description="connections at the same time")
    connections_per_prefix: int = Field(
        default=500, ge=1, description="of those, from one address prefix (IPv4 /24, IPv6 /48)"
    )
    shared_address: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("127.0.0.1", "::1"),
        description="addresses or networks that many share (onion service): half of all places",
    )
    trusted_proxy: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="addresses or networks of proxies that name each client in X-Real-IP",
    )
    rates: float = Field(default=1, ge=0, description="factor on all rate limits; 0 for none")
    room_bytes: int = Field(
        default=64 * limits.MIB, ge=limits.MIB, description="memory for one room"
    )
    store_bytes: int = Field(
        default=512 * limits.MIB, ge=limits.MIB, description="memory for all rooms"
    )
    auth_seconds: float = Field(default=10, gt=0, description="time a client has to authenticate")
    ping_seconds: float = Field(
        default=20, gt=0, description="time between pings, and for their answer"
    )
    queue_bytes: int = Field(
        default=4 * limits.MIB,
        ge=limits.FRAME,
        description="what may wait to be sent to one client",
    )
    queue_seconds: float = Field(default=20, gt=0, description="how long it may wait")

    @field_validator("origin", "web_origin", "shared_address", "trusted_proxy", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(item.strip() for item in value.split(",") if item.strip())
        return value

    @field_validator("origin", "web_origin")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """One spelling each, in which they can be compared."""
        try:
            if all(item == f"{urlsplit(item).scheme}://{urlsplit(item).netloc}" for item in value):
                return tuple(origin_of(item) for item in value)
        except ValueError:
            pass
        raise ValueError("an origin is http(s)://host, without a path")

    @field_validator("shared_address", "trusted_proxy")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return tuple(str(parse_network(item)) for item in value)
        except ValueError:
            raise ValueError("each is an address or a network, such as 10.0.0.0/8") from None

    @field_validator("management")
    @classmethod
    def _is_host_and_port(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        digits = port.isascii() and port.isdigit() and int(port) < 2**16
        if value and not (host and digits):
            raise ValueError("it is HOST:PORT, such as 127.0.0.1:8401 or [::1]:8401")
        return value

    @field_validator("store")
    @classmethod
    def _is_store(cls, value: str) -> str:
        # The sentences quote nothing: the URL of a store may hold a password.
        scheme, _, rest = value.partition(":")
        if scheme not in STORES:
            raise ValueError(f"there is no store of that scheme; there is {KNOWN}")
        if scheme == "memory":
            if rest:
                raise ValueError("nothing follows memory:")
        else:
            parse(value)
        return value

    @field_validator("log_level")
    @classmethod
    def _is_level(cls, value: str) -> str:
        if value not in LOG_LEVELS:
            raise ValueError(f"it is one of {', '.join(LOG_LEVELS)}")
        return value

    @model_validator(mode="after")
    def _are_a_pair(self) -> Self:
        if bool(self.tls_certificate) != bool(self.tls_key):
            raise ValueError("tls-certificate and tls-key go together")
        if bool(self.store_certificate) != bool(self.store_key):
            raise ValueError("store-certificate and store-key go together")
        if self.store_certificate and not self.store_scheme.startswith("rediss"):
            raise ValueError("store-certificate is for a store over TLS (rediss://…)")
        return self

    @model_validator(mode="after")
    def _fits_the_store(self) -> Self:
        given = self.model_fields_set
        if self.store_scheme == "memory":
            if self.store_replicas:
                raise ValueError("store-replicas is for a store on Redis")
            if self.workers > 1:
                raise ValueError("several workers need rooms that they share: a store on Redis")
        elif "rooms" in given:
            raise ValueError("rooms is counted in memory only; store-bytes bounds a store on Redis")
        return self

    @model_validator(mode="after")
    def _has_ports_for_health(self) -> Self:
        host, _, port = self.management.rpartition(":")
        if host and int(port) + self.workers > 2**16:
            raise ValueError("management: there is one port for each worker, from this one on")
        if host and self.workers > 1 and not int(port):
            raise ValueError("management: name the first of the workers' ports, and not 0")
        return self

    @property
    def store_scheme(self) -> StoreScheme:
        """The kind of store."""
        named = self.store.partition(":")[0]
        return next(scheme for scheme in STORES if scheme == named)  # the validator saw to it

    @property
    def hosts(self) -> frozenset[str]:
        """The hosts of the further origins, as a client names them in its answer."""
        return frozenset(urlsplit(item).netloc for item in self.origin)
