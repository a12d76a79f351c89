"""One connected client: what it may be sent, and what of it has been sent."""
