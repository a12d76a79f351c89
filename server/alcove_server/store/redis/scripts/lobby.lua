-- The lobby: `q` holds items by number, `qb` their blobs, `qi` the number of an open item by its id,
-- `qk` the numbers of a key's open items, `q1`…`q5`, `q7`, `q8` the numbers of each kind, `f` and `fe` reasons.
-- All items of a kind live equally long, so the numbers of a kind stand in the order of their ends,
-- but for knocks: a talk renews one. `q6` has the numbers of all talks at the door, and `qt` those of a
-- newcomer's. They stand in no other index, and go with the knock.
--
-- An item and a reason cost ITEM_BYTES and their bytes. What is settled keeps the ITEM_BYTES of its item.
local KNOCK, REQUEST, LEAVE, GONE, VAULT = 1, 2, 3, 4, 5
local ASK, ANSWER = 7, 8
local ID = 16 -- bytes
local LIFE = {900, 86400, math.huge, 900, 86400, 0, 60, 60}
local ITEM_BYTES, REQUESTS, KNOCKS, KNOCKS_PER_DOOR, SETTLED = 512, 4, 100, 20, 1024
local VAULTS = 8
local TALK, DOOR_TALK = 6, 20
local AT_ONCE = 200 -- ended items of a kind that one script drops: 10 ms

-- When an item ends. A talk never does by itself.
local function end_of(item) return (item.renewed or item.taken) + LIFE[item.kind] end

local function item_of(number)
  local raw = call('HGET', P .. 'q', number)
  return raw and cmsgpack.unpack(raw) or nil
end

local function keep_item(m, number, item)
  call('HSET', P .. 'q', number, cmsgpack.pack(item))
  bind(m, P .. 'q')
end

-- An index: a hash whose fields hold numbers of open items, in order.
local function listed(index, field)
  local found = {}
  local raw = call('HGET', P .. index, field) or ''
  for at = 1, #raw, 8 do found[#found + 1] = string.format('%.0f', (unpack(NUMBER, raw, at))) end
  return found
end

local function list(m, index, field, number)
  call('HSET', P .. index, field, (call('HGET', P .. index, field) or '') .. pack(NUMBER, number))
  bind(m, P .. index)
end

local function unlist(index, field, number)
  local rest = {}
  for _, other in ipairs(listed(index, field)) do
    if other ~= number then rest[#rest + 1] = pack(NUMBER, tonumber(other)) end
  end
  if #rest == 0 then
    call('HDEL', P .. index, field)
  else
    call('HSET', P .. index, field, table.concat(rest))
  end
end

local function of_kind(key, kind)
  local found = {}
  for _, number in ipairs(listed('qk', key)) do
    local item = item_of(number)
    if item.kind == kind then
      item.number = number
      found[#found + 1] = item
    end
  end
  return found
end

local function knock_of(key) return of_kind(key, KNOCK)[1] end

-- Whether no further knock may wait: in the room, or at this door.
local function full_for(door)
  local all = call('ZRANGE', P .. 'q1', 0, -1)
  if #all < KNOCKS_PER_DOOR then return false end
  local here = 0
  for _, number in ipairs(all) do
    if item_of(number).door == door then here = here + 1 end
  end
  return #all >= KNOCKS or here >= KNOCKS_PER_DOOR
end

local function append_item(m, kind, id, key, blob, door, to)
  m.lobby = m.lobby + 1
  local number = string.format('%.0f', m.lobby)
  keep_item(m, number, {kind = kind, id = id, key = key, taken = m.last, door = door or '',
    revoked = false, to = to or ''})
  call('ZADD', P .. 'q' .. kind, number, number)
  bind(m, P .. 'q' .. kind)
  if kind ~= GONE then
    m.used = m.used + #blob + ITEM_BYTES
    call('HSET', P .. 'qb', number, blob)
    bind(m, P .. 'qb')
    list(m, 'qi', id, m.lobby)
    list(m, 'qk', key, m.lobby)
  end
end

local function drop_settled(m, number)
  m.used = m.used - ITEM_BYTES
  call('HDEL', P .. 'q', number)
  call('ZREM', P .. 'q4', number)
end

local function end_talk(m, newcomer)
  for _, number in ipairs(listed('qt', newcomer)) do
    m.used = m.used - ITEM_BYTES - call('HSTRLEN', P .. 'qb', number)
    call('HDEL', P .. 'q', number)
    call('HDEL', P .. 'qb', number)
    call('ZREM', P .. 'q6', number)
  end
  call('HDEL', P .. 'qt', newcomer)
end

local function settle_item(m, number, item)
  if item.kind == KNOCK then end_talk(m, item.key) end
  m.used = m.used - call('HSTRLEN', P .. 'qb', number)
  call('HDEL', P .. 'q', number)
  call('HDEL', P .. 'qb', number)
  call('ZREM', P .. 'q' .. item.kind, number)
  unlist('qi', item.id, number)
  unlist('qk', item.key, number)
  append_item(m, GONE, item.id, item.key, '')
  if call('ZCARD', P .. 'q4') > SETTLED then drop_settled(m, call('ZRANGE', P .. 'q4', 0, 0)[1]) end
end

-- A reason is kept behind the id of its knock.
local function drop_reason(m, key)
  local size = call('HSTRLEN', P .. 'f', key)
  if size == 0 then return end
  m.used = m.used - ITEM_BYTES - (size - ID)
  call('HDEL', P .. 'f', key)
  call('ZREM', P .. 'fe', key)
end

-- Refusing does not fail for want of space: each reason comes from a knock, and there are few.
local function leave_reason(m, item, reason)
  if call('ZCARD', P .. 'fe') >= 2 * KNOCKS then
    drop_reason(m, call('ZRANGE', P .. 'fe', 0, 0)[1])
  end
  drop_reason(m, item.key)
  m.used = m.used + ITEM_BYTES + #reason
  call('HSET', P .. 'f', item.key, item.id .. reason)
  bind(m, P .. 'f')
  call('ZADD', P .. 'fe', m.last + LIFE[KNOCK], item.key)
  bind(m, P .. 'fe')
end

-- The ended items of a kind, the oldest first: AT_ONCE at most, and the next script takes the others.
local function ended_of(m, kind)
  local found = {}
  local at = 0
  while #found < AT_ONCE do
    local some = call('ZRANGE', P .. 'q' .. kind, at, at + 19)
    for _, number in ipairs(some) do
      local item = item_of(number)
      if end_of(item) <= m.last then
        item.number = number
        found[#found + 1] = item
      elseif kind ~= KNOCK then -- these are renewed, so the oldest does not end first
        return found
      end
    end
    if #some < 20 then return found end
    at = at + 20
  end
  return found
end

-- Drop what has ended, and ring where a client has to be told. Returns whether anything was dropped:
-- then the caller has to save.
local function expire_lobby(m)
  local used = m.used
  for _, item in ipairs(ended_of(m, GONE)) do drop_settled(m, item.number) end
  for _, key in ipairs(call('ZRANGEBYSCORE', P .. 'fe', '-inf', m.last)) do drop_reason(m, key) end
  local told = false
  for _, item in ipairs(ended_of(m, KNOCK)) do
    leave_reason(m, item, '')
    settle_item(m, item.number, item)
    told = true
  end
  for _, kind in ipairs({REQUEST, VAULT, ASK, ANSWER}) do
    for _, item in ipairs(ended_of(m, kind)) do
      settle_item(m, item.number, item)
      told = true
    end
  end
  if told then ring() end
  return told or m.used ~= used
end

local function mark_revoked(m, doors)
  for _, number in ipairs(call('ZRANGE', P .. 'q1', 0, -1)) do
    local item = item_of(number)
    if doors[item.door] and not item.revoked then
      item.revoked = true
      keep_item(m, number, item)
    end
  end
end

-- The room, after what has ended in it was dropped. Every script of the lobby begins so.
local function lobby_room()
  local m = room()
  if expire_lobby(m) then save(m) end
  return m
end
