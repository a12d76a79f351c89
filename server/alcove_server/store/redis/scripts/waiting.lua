-- Store.waiting_among. ARGV: time, keys.
lobby_room()
local found = {}
for at = 2, #ARGV do
  if knock_of(ARGV[at]) then found[#found + 1] = ARGV[at] end
end
return found
