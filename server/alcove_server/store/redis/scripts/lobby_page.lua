-- Store.read_lobby. ARGV: time, after, whether settled items are wanted.
local m = lobby_room()
local numbers = {}
for _, kind in ipairs({KNOCK, REQUEST, LEAVE, VAULT, TALK, ASK, ANSWER, ARGV[3] == '1' and GONE or nil}) do
  for _, number in ipairs(call('ZRANGEBYSCORE', P .. 'q' .. kind, '(' .. ARGV[2], '+inf')) do
    numbers[#numbers + 1] = number
  end
end
table.sort(numbers, function(one, other) return tonumber(one) < tonumber(other) end)
local found = {pack('>d', m.last)}
for _, number in ipairs(numbers) do
  local item = item_of(number)
  item.number = number
  item.ends = (item.kind == LEAVE or item.talk) and -1 or end_of(item)
  found[#found + 1] = cmsgpack.pack(item)
  found[#found + 1] = call('HGET', P .. 'qb', number) or ''
end
return found
