-- Store.talk_to. ARGV: time, newcomer.
local m = lobby_room()
local found = {pack('>d', m.last)}
for _, number in ipairs(listed('qt', ARGV[2])) do
  local item = item_of(number)
  if item.to == ARGV[2] then
    item.number, item.ends = number, -1
    found[#found + 1] = cmsgpack.pack(item)
    found[#found + 1] = call('HGET', P .. 'qb', number) or ''
  end
end
return found
