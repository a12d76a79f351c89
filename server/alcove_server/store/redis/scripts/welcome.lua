-- Store.welcome. ARGV: time, key.
local m = room()
local raw = call('HGET', P .. 'w', ARGV[2])
if not raw then return false end
local pending = cmsgpack.unpack(raw)
if pending.ends <= m.last then return false end
return {pending.at, pending.welcome, pending.entry}
