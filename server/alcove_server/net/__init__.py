"""Between the socket and the relay's logic. Read in this order: `head`, `bucket`, `gate`, `wheel`,
`websocket`, `front_door`."""
