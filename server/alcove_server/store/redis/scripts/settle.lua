-- Store.settle. ARGV: time, id, whether there is a reason, reason, by. Only the roster settles a leave,
-- and only its recipient a vault.
local m = lobby_room()
local number = listed('qi', ARGV[2])[1]
if not number then refuse('unknown_knock') end
local item = item_of(number)
if item.kind == LEAVE then refuse('unknown_knock') end
if item.to ~= '' and item.to ~= ARGV[5] then refuse('unknown_knock') end
if ARGV[3] == '1' then
  if item.kind ~= KNOCK then refuse('unknown_knock') end
  leave_reason(m, item, ARGV[4])
end
settle_item(m, number, item)
save(m)
ring()
return 'settled'
