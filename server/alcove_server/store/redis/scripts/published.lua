-- Store.published. ARGV: time, sender, id.
local m = room()
local number = taken(m, ARGV[2], ARGV[3])
return number and m.g .. pack(NUMBER, number) or false
