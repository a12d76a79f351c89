-- Store.published. ARGV: time, sender, id.
local m = room()
local number = taken(m, ARGV[3], ARGV[2], call('GET', P .. 'i' .. ARGV[2]))
return number and m.g .. pack(NUMBER, number) or false
