-- Close doors for good. Needs the doors and the lobby.
local function revoke(m, doors)
  for id in pairs(doors) do
    local door = door_of(m, id)
    if door and door.closed ~= 'door_revoked' then shut(m, id, door, 'door_revoked') end
  end
  if #call('HKEYS', P .. 'd') > CLOSED then forget_closed(m, doors_of()) end
  mark_revoked(m, doors)
end
