-- Store.take_refusal. ARGV: time, key.
local m = lobby_room()
local found = call('HGET', P .. 'f', ARGV[2])
if not found then return false end
drop_reason(m, ARGV[2])
save(m)
return found
