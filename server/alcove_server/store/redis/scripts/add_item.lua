-- Store.add_item. ARGV: time, kind, key, id, blob, most of the room, to (of a vault, an
-- answer).
local m = lobby_room()
local kind, key, id, blob = tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]
local known = of_kind(key, kind)
for _, item in ipairs(known) do
  if item.id == id then return 'known' end
end
if #known > 0 and kind == LEAVE then return 'known' end
space(m, #blob + ITEM_BYTES, tonumber(ARGV[6]))
append_item(m, kind, id, key, blob, nil, ARGV[7])
local before = known[1]
if kind == VAULT or kind == ANSWER then
  before = #known >= VAULTS and before or nil
  for _, item in ipairs(known) do
    if item.to == ARGV[7] then before = item end
  end
elseif kind ~= ASK and #known < REQUESTS then
  before = nil
end
if before then settle_item(m, before.number, before) end
save(m)
ring()
return 'added'
