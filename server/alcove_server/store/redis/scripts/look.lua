-- Store.expire, for one room that a node watches. Returns whether it is there, and in how many
-- seconds something ends next: the room, a blob that does not end by itself, a knock or a request.
local statement = ended(clock())
if statement then return {0, ''} end
local m = find()
if not m then return {0, ''} end
count(m)
note_lost(m)
local more = drop_long(m, 100) == 100
expire_doors(m)
for _, key in ipairs(call('HKEYS', P .. 'w')) do
  if cmsgpack.unpack(call('HGET', P .. 'w', key)).ends <= m.last then drop_welcome(m, key) end
end
if expire_lobby(m) then ring() end
save(m)
local next_end = over(m)
for _, kind in ipairs({KNOCK, REQUEST}) do
  local first = call('ZRANGE', P .. 'q' .. kind, 0, 0)[1]
  if first then next_end = math.min(next_end, item_of(first).taken + LIFE[kind]) end
end
local long = call('ZRANGE', P .. 'he', 0, 0, 'WITHSCORES')[2]
if long then next_end = math.min(next_end, tonumber(long)) end
if more then next_end = m.last end
return {1, string.format('%.3f', next_end - m.last)}
