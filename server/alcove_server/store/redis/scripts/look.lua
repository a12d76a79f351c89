-- Store.expire, for one room that a node watches. Returns the time of its next end, or nothing
-- when it is not there any more.
local statement = ended(clock())
if statement then return {0} end
local m = find()
if not m then return {0} end
count(m)
note_lost(m)
drop_long(m, 100)
expire_doors(m)
for _, key in ipairs(call('HKEYS', P .. 'w')) do
  if cmsgpack.unpack(call('HGET', P .. 'w', key)).ends <= m.last then drop_welcome(m, key) end
end
if expire_lobby(m) then ring() end
save(m)
return {1}
