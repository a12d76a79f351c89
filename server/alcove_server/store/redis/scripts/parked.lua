-- Store.parked. ARGV: time, slot, the token's hash.
local m = room()
local ticket = ticket_at(ARGV[2])
if not ticket or ticket.ends <= m.last then return false end
if ticket.token == ARGV[3] then return {ticket.key, ticket.blob} end
ticket.wrong = ticket.wrong + 1
if ticket.wrong >= TRIES then
  drop_ticket(m, ARGV[2])
else
  keep_ticket(m, ARGV[2], ticket)
end
save(m)
return false
