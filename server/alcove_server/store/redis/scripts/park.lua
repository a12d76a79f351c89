-- Store.park. ARGV: time, key, slot, the token's hash, blob, most of the room.
local m = room()
expire_tickets(m)
local key, slot, token, blob = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local known = ticket_at(slot)
if known and known.key ~= key then
  save(m)
  refuse('bad_statement')
end
local former, freed = call('HGET', P .. 'pk', key), 0
if former then freed = #ticket_at(former).blob + TICKET_BYTES end
count(m)
if m.used + m.blobs - freed + #blob + TICKET_BYTES > tonumber(ARGV[6]) then
  save(m)
  refuse('busy')
end
if former then drop_ticket(m, former) end
m.used = m.used + #blob + TICKET_BYTES
keep_ticket(m, slot, {key = key, token = token, blob = blob, ends = m.last + TICKET, wrong = 0})
call('HSET', P .. 'pk', key, slot)
bind(m, P .. 'pk')
save(m)
return 'parked'
