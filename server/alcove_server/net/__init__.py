"""Sockets, and which connections may come in. The relay's core imports nothing of this.

Read in this order: `request_head`, `admission`, `keepalive`, `websocket`, `front_door`.
"""
