-- Store.door. ARGV: time, id.
local m = room()
expire_doors(m)
save(m)
local door = door_of(m, ARGV[2])
if not door then return false end
return {cmsgpack.pack(door), call('HGET', P .. 'dc', ARGV[2]) or ''}
