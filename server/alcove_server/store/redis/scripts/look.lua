-- Store.expire, for one room that a node watches. Returns whether it is there, and in how many
-- seconds something ends next that does not end by itself.
local statement = ended(clock())
if statement then return {0, ''} end
local m = find()
if not m then return {0, ''} end
count(m)
note_lost(m)
local more = drop_long(m, 100) == 100
local _, doors = expire_doors(m)
local next_end = over(m)
local function ends(at) next_end = math.min(next_end, at or math.huge) end
for _, key in ipairs(call('HKEYS', P .. 'w')) do
  local at = cmsgpack.unpack(call('HGET', P .. 'w', key)).ends
  if at <= m.last then drop_welcome(m, key) else ends(at) end
end
expire_lobby(m)
expire_tickets(m)
save(m)
for _, kind in ipairs({REQUEST, GONE, VAULT}) do
  local first = call('ZRANGE', P .. 'q' .. kind, 0, 0)[1]
  if first then ends(end_of(item_of(first))) end
end
for _, number in ipairs(call('ZRANGE', P .. 'q1', 0, -1)) do ends(end_of(item_of(number))) end
for _, door in ipairs(doors) do ends(door.ends + (door.closed == '' and 0 or TOMBSTONE)) end
for _, name in ipairs({'fe', 'he', 'pe'}) do
  ends(tonumber(call('ZRANGE', P .. name, 0, 0, 'WITHSCORES')[2]))
end
if more then next_end = m.last end
return {1, string.format('%.3f', next_end - m.last)}
