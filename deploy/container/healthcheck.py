"""Exit with 0 when the relay in this container answers `/healthz` with 200, else with 1.

It reads the relay's settings from the environment: the port for health, or the port for clients and
whether the relay ends TLS there.
"""

import http.client
import os
import ssl
import sys

SECONDS = 4
"""Below the `--timeout` of the container file, so that the answer is this program's own."""


def connect() -> http.client.HTTPConnection:
    """A connection to the relay's port for health, or to that for clients at the loopback
    address."""
    host, _, own = os.environ.get("ALCOVE_MANAGEMENT", "").rpartition(":")
    if own:
        # Linux takes the address for "every address" as this machine.
        return http.client.HTTPConnection(host.strip("[]"), int(own), timeout=SECONDS)
    port = int(os.environ.get("ALCOVE_PORT", "8400"))
    if not os.environ.get("ALCOVE_TLS_CERTIFICATE"):
        return http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    context = ssl.create_default_context()
    # The certificate is for the public name, not for 127.0.0.1. Nothing secret is sent, and what is
    # asked is only whether the process answers.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection("127.0.0.1", port, timeout=SECONDS, context=context)


def main() -> int:
    """The exit status."""
    try:
        connection = connect()
        connection.request("GET", "/healthz")
        return 0 if connection.getresponse().status == 200 else 1
    except (OSError, http.client.HTTPException):
        return 1


if __name__ == "__main__":
    sys.exit(main())
