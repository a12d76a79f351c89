-- Store.published. ARGV: time, sender, id.
local m = room()
local number = taken(m, ARGV[3], call('GET', P .. 'r' .. ARGV[2]))
return number and m.g .. pack(NUMBER, number) or false
