-- Doors: `d` holds what is judged, `dc` the cards. A closed door keeps no card.
local DOORS, CLOSED, ITEM = 64, 64, 512

local function door_of(m, id)
  local raw = call('HGET', P .. 'd', id)
  if not raw then return nil end
  local door = cmsgpack.unpack(raw)
  if door.closed == '' and door.ends <= m.last then door.closed = 'door_expired' end
  return door
end

-- All of them, in any order. Hundreds are taken apart for this, so a script asks once.
local function doors_of()
  local found, all = {}, call('HGETALL', P .. 'd')
  for at = 1, #all, 2 do
    local door = cmsgpack.unpack(all[at + 1])
    door.id = all[at]
    found[#found + 1] = door
  end
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

local function shut(m, id, door, code)
  m.used = m.used - call('HSTRLEN', P .. 'dc', id)
  call('HDEL', P .. 'dc', id)
  door.id, door.closed = nil, code
  keep_door(m, id, door)
  door.id = id
end

-- Forget the first of too many closed doors.
local function forget_closed(m, all)
  local closed = {}
  for _, door in ipairs(all) do
    if door.closed ~= '' then closed[#closed + 1] = door end
  end
  if #closed <= CLOSED then return end
  table.sort(closed, function(one, other) return one.seq < other.seq end)
  for at = 1, #closed - CLOSED do drop_door(m, closed[at].id) end
end

local function close_door(m, id, door, code)
  shut(m, id, door, code)
  if #call('HKEYS', P .. 'd') > CLOSED then forget_closed(m, doors_of()) end
end

-- Close expired doors, and forget closed doors a day after their time. Returns whether any was: then
-- the caller has to save. And all doors that are left.
local function expire_doors(m)
  local all, changed = {}, false
  for _, door in ipairs(doors_of()) do
    if door.ends + TOMBSTONE <= m.last then
      drop_door(m, door.id)
      changed = true
    else
      if door.closed == '' and door.ends <= m.last then
        shut(m, door.id, door, 'door_expired')
        changed = true
      end
      all[#all + 1] = door
    end
  end
  if changed then forget_closed(m, all) end
  return changed, all
end

-- Refuse admissions that a door has too few uses for. A revoked or expired door admits newcomers
-- who still wait there, without counting uses.
local function check_uses(m, spent)
  local wanted = {}
  for _, id in ipairs(spent) do wanted[id] = (wanted[id] or 0) + 1 end
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
-- the oldest of the one that put most, if that is more. Of several, of the one with the oldest door.
local function crowding(m, by, all)
  local open, counts, first = 0, {}, {}
  for _, door in ipairs(all) do
    if door.closed == '' and door.ends > m.last then
      local holder = door.by or ''
      open = open + 1
      counts[holder] = (counts[holder] or 0) + 1
      if not first[holder] or door.seq < first[holder].seq then first[holder] = door end
    end
  end
  if open < DOORS then return nil end
  local most
  for holder, number in pairs(counts) do
    if not most or number > counts[most]
      or number == counts[most] and first[holder].seq < first[most].seq then most = holder end
  end
  if counts[most] <= (counts[by] or 0) + 1 then refuse('too_many_doors') end
  return first[most]
end

-- `all` are all doors before this one.
local function put_door(m, id, given, card, most, all)
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
    for _, door in ipairs(all) do last = math.max(last, door.seq) end
    local gives_way = crowding(m, given.by or '', all)
    space(m, #card + ITEM, most)
    if gives_way then close_door(m, gives_way.id, gives_way, 'door_expired') end
    m.used = m.used + #card + ITEM
    given.ends = m.last + given.ends
    given.closed = ''
    given.seq = last + 1
    keep_door(m, id, given)
    given.id = id
    all[#all + 1] = given
  end
  call('HSET', P .. 'dc', id, card)
  bind(m, P .. 'dc')
end
