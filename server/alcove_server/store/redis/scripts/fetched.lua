-- Store.fetched. ARGV: time, slot.
local m = room()
local ticket = ticket_at(ARGV[2])
if not ticket then return 'unknown' end
ticket.ends = math.min(ticket.ends, m.last + FETCHED)
keep_ticket(m, ARGV[2], ticket)
save(m)
return 'fetched'
