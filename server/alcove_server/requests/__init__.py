"""One file for each kind of request. `session.handlers` says in which state each may come."""
