-- Store.read_lobby. ARGV: time, after, whether settled items are wanted, how many at most.
local m = lobby_room()
local most = tonumber(ARGV[4])
local numbers = {}
for _, kind in ipairs({KNOCK, REQUEST, LEAVE, VAULT, TALK, ASK, ANSWER, ARGV[3] == '1' and GONE or nil}) do
  local some = call('ZRANGEBYSCORE', P .. 'q' .. kind, '(' .. ARGV[2], '+inf', 'LIMIT', 0, most + 1)
  for _, number in ipairs(some) do numbers[#numbers + 1] = tonumber(number) end
end
table.sort(numbers)
local found = {pack('>d', m.last), #numbers > most and '1' or '0'}
for at = 1, math.min(#numbers, most) do
  local number = string.format('%.0f', numbers[at])
  local item = item_of(number)
  item.number = number
  item.ends = (item.kind == LEAVE or item.talk) and -1 or end_of(item)
  if item.ends == -1 or item.ends > m.last then
    found[#found + 1] = cmsgpack.pack(item)
    found[#found + 1] = call('HGET', P .. 'qb', number) or ''
  end
end
return found
