-- Store.withdraw. ARGV: time, key.
local m = lobby_room()
local known = knock_of(ARGV[2])
if not known then refuse('unknown_knock') end
settle_item(m, known.number, known)
save(m)
ring()
return 'withdrawn'
