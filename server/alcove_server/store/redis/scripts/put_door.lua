-- Store.put_door. ARGV: time, id, door (msgpack), card, roster head, most of the room.
local m = room()
expect(m, ARGV[5])
local changed, all = expire_doors(m)
if changed then save(m) end
local door = cmsgpack.unpack(ARGV[3])
put_door(m, ARGV[2], door, ARGV[4], tonumber(ARGV[6]), all)
save(m)
return 'put'
