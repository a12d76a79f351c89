"""Every setting of the relay: by flag, by environment (`ALCOVE_…`) or in a file, in this order.

A field's description is its line in `--help`. Sizes are bytes and times are seconds.
"""

from typing import Annotated, Final, Literal, Self, get_args
from urllib.parse import urlsplit

from alcove_protocol import limits
from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from alcove_server.store_address import parse

StoreScheme = Literal["memory", "redis", "rediss", "redis+sentinel", "rediss+sentinel"]
"""Schemes of the URL of a store. `store.opening` does not compile until it opens each of them."""
STORES: Final[tuple[StoreScheme, ...]] = get_args(StoreScheme)
KNOWN = ", ".join(f"{scheme}:" for scheme in STORES)
LOG_LEVELS = ("debug", "info", "warning", "error")


class Settings(BaseSettings):
    """Validated when made. Raises `pydantic.ValidationError`."""

    model_config = SettingsConfigDict(env_prefix="ALCOVE_", frozen=True, extra="forbid")

    host: str = Field(default="127.0.0.1", description="the address to listen on")
    port: int = Field(
        default=8400, ge=0, le=65535, description="the port to listen on; 0 picks a free one"
    )
    tls_certificate: str = Field(
        default="", description="file with the certificate and its chain (PEM), to end TLS here"
    )
    tls_key: str = Field(default="", description="file with the certificate's key (PEM)")
    store: str = Field(default="memory:", description=f"where rooms are kept, a URL: {KNOWN}")
    store_replicas: int = Field(
        default=0,
        ge=0,
        le=8,
        description="replicas that must have what is acknowledged: all that can be promoted",
    )
    origin: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="further origins of this relay, separated by commas (proxy, onion service)",
    )
    log_level: str = Field(default="info", description="debug, info, warning or error")
    rooms: int = Field(
        default=10_000, ge=1, description="rooms at the same time; on Redis store-bytes bounds them"
    )
    connections: int = Field(default=20_000, ge=1, description="connections at the same time")
    connections_per_prefix: int = Field(
        default=500, ge=1, description="of those, from one address prefix (IPv4 /24, IPv6 /48)"
    )
    shared_address: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("127.0.0.1", "::1"),
        description="addresses that many share: onion service, proxy; together half of all",
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

    @field_validator("origin", "shared_address", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(item.strip() for item in value.split(",") if item.strip())
        return value

    @field_validator("origin")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for item in value:
            parts = urlsplit(item)
            if parts.scheme not in ("http", "https") or not parts.netloc or parts.path:
                raise ValueError("an origin is http(s)://host, without a path")
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
        return self

    @model_validator(mode="after")
    def _fits_the_store(self) -> Self:
        given = self.model_fields_set
        if self.store_scheme == "memory":
            if self.store_replicas:
                raise ValueError("store-replicas is for a store on Redis")
        elif "rooms" in given:
            raise ValueError("rooms is counted in memory only; store-bytes bounds a store on Redis")
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
