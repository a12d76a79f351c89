-- Store.unpark. ARGV: time, key.
local m = room()
drop_tickets_of(m, {ARGV[2]})
save(m)
return 'gone'
