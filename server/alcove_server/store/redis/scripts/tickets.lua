-- Tickets: `p` holds what is parked by slot, `pk` the slot of each key, `pe` the ends of slots.
local TICKET, FETCHED, TRIES, TICKET_BYTES = 600, 60, 5, 512

local function ticket_at(slot)
  local raw = call('HGET', P .. 'p', slot)
  return raw and cmsgpack.unpack(raw) or nil
end

local function keep_ticket(m, slot, ticket)
  call('HSET', P .. 'p', slot, cmsgpack.pack(ticket))
  bind(m, P .. 'p')
  call('ZADD', P .. 'pe', ticket.ends, slot)
  bind(m, P .. 'pe')
end

local function drop_ticket(m, slot)
  local ticket = ticket_at(slot)
  if not ticket then return end
  m.used = m.used - #ticket.blob - TICKET_BYTES
  call('HDEL', P .. 'p', slot)
  call('HDEL', P .. 'pk', ticket.key)
  call('ZREM', P .. 'pe', slot)
end

local function expire_tickets(m)
  for _, slot in ipairs(call('ZRANGEBYSCORE', P .. 'pe', '-inf', m.last)) do drop_ticket(m, slot) end
end

local function drop_tickets_of(m, keys)
  for _, key in ipairs(keys) do
    local slot = call('HGET', P .. 'pk', key)
    if slot then drop_ticket(m, slot) end
  end
end
