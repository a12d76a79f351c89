-- Doors: `d` holds what is judged, `dc` the cards. A closed door keeps no card.
local DOORS, CLOSED, ITEM = 64, 256, 512

local function door_of(m, id)
  local raw = call('HGET', P .. 'd', id)
  if not raw then return nil end
  local door = cmsgpack.unpack(raw)
  if door.closed == '' and door.ends <= m.last then door.closed = 'door_expired' end
  return door
end

local function doors_of(m)
  local found, all = {}, call('HGETALL', P .. 'd')
  for at = 1, #all, 2 do
    local door = cmsgpack.unpack(all[at + 1])
    door.id = all[at]
    found[#found + 1] = door
  end
  table.sort(found, function(one, other) return one.seq < other.seq end)
  return found
end

local function keep_door(m, id, door)
  call('HSET', P .. 'd', id, cmsgpack.pack(door))
  bind(m, P .. 'd')
end

local function drop_door(m, id)
  local card = call('HSTRLEN', P .. 'dc', id)
  call('HDEL', P .. 'dc', id)
  if call('HDEL', P .. 'd', id) == 1 then m.used = m.used - ITEM - card end
end

local function close_door(m, id, door, code)
  m.used = m.used - call('HSTRLEN', P .. 'dc', id)
  call('HDEL', P .. 'dc', id)
  door.closed = code
  keep_door(m, id, door)
  local closed = {}
  for _, known in ipairs(doors_of(m)) do
    if known.closed ~= '' then closed[#closed + 1] = known.id end
  end
  for at = 1, #closed - CLOSED do drop_door(m, closed[at]) end
end

-- Close expired doors, and forget closed doors a day after their time. Returns whether any was: then
-- the caller has to save.
local function expire_doors(m)
  local changed = false
  for _, door in ipairs(doors_of(m)) do
    if door.ends + TOMBSTONE <= m.last then
      drop_door(m, door.id)
      changed = true
    elseif door.closed == '' and door.ends <= m.last then
      local id = door.id
      door.id = nil
      close_door(m, id, door, 'door_expired')
      changed = true
    end
  end
  return changed
end

-- Refuse admissions that a door has too few uses for. A revoked or expired door admits newcomers
-- who still wait there, without counting uses.
local function check_uses(m, admitted)
  local wanted = {}
  for _, id in pairs(admitted) do wanted[id] = (wanted[id] or 0) + 1 end
  for id, uses in pairs(wanted) do
    local door = door_of(m, id)
    if door and door.closed ~= 'door_revoked' and door.closed ~= 'door_expired'
      and door.uses < uses then refuse('door_used') end
  end
end

local function use_door(m, id)
  local door = door_of(m, id)
  if not door or door.closed ~= '' then return end
  door.uses = door.uses - 1
  if door.uses == 0 then
    close_door(m, id, door, 'door_used')
  else
    keep_door(m, id, door)
  end
end

-- Return the door that gives way to one more by this facilitator, when the room has as many as it may:
-- the oldest of the one that put most, if that is more.
local function crowding(m, by)
  local open, counts, first = 0, {}, {}
  local most, own = nil, 0
  for _, door in ipairs(doors_of(m)) do
    if door.closed == '' and door.ends > m.last then
      local holder = door.by or ''
      open = open + 1
      counts[holder] = (counts[holder] or 0) + 1
      first[holder] = first[holder] or door
      if holder == by then own = own + 1 end
    end
  end
  if open < DOORS then return nil end
  for _, door in ipairs(doors_of(m)) do
    local holder = door.by or ''
    if counts[holder] and (not most or counts[holder] > counts[most]) then most = holder end
  end
  if counts[most] <= own + 1 then refuse('too_many_doors') end
  return first[most]
end

local function put_door(m, id, given, card, most)
  local known = door_of(m, id)
  if known then
    if known.closed ~= '' then refuse(known.closed) end
    local same = call('HGET', P .. 'dc', id)
    if given.card == known.card and card == same then return end
    if given.key ~= known.key or given.card <= known.card then refuse('bad_statement') end
    space(m, #card - #same, most)
    m.used = m.used + #card - #same
    known.card = given.card
    keep_door(m, id, known)
  else
    local last = 0
    for _, door in ipairs(doors_of(m)) do last = door.seq end
    local gives_way = crowding(m, given.by)
    space(m, #card + ITEM, most)
    if gives_way then
      local closing = gives_way.id
      gives_way.id = nil
      close_door(m, closing, gives_way, 'door_expired')
    end
    m.used = m.used + #card + ITEM
    given.ends = m.last + given.ends
    given.closed = ''
    given.seq = last + 1
    keep_door(m, id, given)
  end
  call('HSET', P .. 'dc', id, card)
  bind(m, P .. 'dc')
end
