-- Tickets: `p` holds what is parked by slot, `pk` the slot of each key, `pe` the ends of slots.
local TICKET, FETCHED, TRIES, TICKET_BYTES = 600, 60, 5, 512
local TOGETHER = 100 -- tickets at a time

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

local function drop_slots(m, slots)
  in_parts(slots, TOGETHER, function(part)
    local keys = {}
    for _, raw in ipairs(call('HMGET', P .. 'p', table_unpack(part))) do
      if raw then
        local ticket = cmsgpack.unpack(raw)
        m.used = m.used - #ticket.blob - TICKET_BYTES
        keys[#keys + 1] = ticket.key
      end
    end
    if #keys > 0 then call('HDEL', P .. 'pk', table_unpack(keys)) end
    call('HDEL', P .. 'p', table_unpack(part))
    call('ZREM', P .. 'pe', table_unpack(part))
  end)
end

local function drop_ticket(m, slot) drop_slots(m, {slot}) end

-- Some of them: the next park or look drops the next ones, and none is handed out after its end.
local function expire_tickets(m)
  drop_slots(m, call('ZRANGEBYSCORE', P .. 'pe', '-inf', m.last, 'LIMIT', 0, TOGETHER))
end

local function drop_tickets_of(m, keys)
  local slots = {}
  in_parts(keys, TOGETHER, function(part)
    for _, slot in ipairs(call('HMGET', P .. 'pk', table_unpack(part))) do
      if slot then slots[#slots + 1] = slot end
    end
  end)
  drop_slots(m, slots)
end
