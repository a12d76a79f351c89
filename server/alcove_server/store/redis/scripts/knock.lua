-- Store.knock. ARGV: time, key, door, id, blob, most of the room.
local m = lobby_room()
local key, door, id, blob = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local known = knock_of(key)
if known then
  if known.id == id and call('HGET', P .. 'qb', known.number) == blob then return 'known' end
  refuse('already_waiting')
end
local at = door_of(m, door)
if not at then refuse('unknown_door') end
if at.closed ~= '' then refuse(at.closed) end
if full_for(door) then refuse('too_many_knocks') end
space(m, #blob + ITEM_BYTES, tonumber(ARGV[6]))
append_item(m, KNOCK, id, key, blob, door)
drop_reason(m, key)
save(m)
ring()
return 'taken'
