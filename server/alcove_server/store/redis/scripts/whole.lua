-- While a slot of a Cluster moves, a server raises an error when asked for a key that it lacks. This
-- key is never there. So a script ends here, before its first write, until all keys of the room are
-- on one server. A publish asks for it together with what it needs.
call('GET', NOWHERE)
