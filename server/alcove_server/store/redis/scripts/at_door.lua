-- Store.at_door. ARGV: time, door, key.
local now = clock()
local statement, generation = ended(now)
if statement then return {'ended', statement, generation} end
local m = find()
if not m then return {'none'} end
expire_lobby(m)
expire_doors(m)
save(m)
local door = door_of(m, ARGV[2])
return {'there', encode(m), door and cmsgpack.pack(door) or '',
  door and call('HGET', P .. 'dc', ARGV[2]) or '', knock_of(ARGV[3]) and 1 or 0}
