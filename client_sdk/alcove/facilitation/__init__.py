"""The facilitator's part of a client: commits, the lobby, doors, the opening of a room."""
