"""The connection to the relay: requests and answers without I/O, and the socket beneath them."""
