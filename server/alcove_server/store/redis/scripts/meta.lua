-- What every script needs: the room's meta record, the time, and how a script says no.
--
-- KEYS[1] is the meta key "{room}m". All other keys of the room begin with the same tag, so they
-- lie in the same slot. ARGV[1] is the time in seconds in tests, and empty otherwise.
--
-- A refusal is an error reply: "REFUSED code", "ROSTER moved", "REIGN moved". A script checks
-- everything before its first write, because nothing takes a write back. A script that has written
-- saves the meta record before it refuses.
local M = KEYS[1]
local P = string.sub(M, 1, -2)
local call, pack, unpack, table_unpack = redis.call, struct.pack, struct.unpack, unpack
local META = '>Bc8I8I8I8c32c32I8dI8I8I8dI8dc20c20I8ddd'
local LAYOUT = 2 -- of all that lies in a room and is pushed. A script reads and writes no other
local NOBODY = string.rep('\0', 20) -- no reign is named
local NUMBER = '>I8'
local WHOLE = '%d' -- a whole number below 2^53, as all are
local ABANDONED, READ_ONLY, TOMBSTONE, REJOIN = 1800, 90, 86400, 86400
local SLACK = 20         -- seconds that the records of ids may outlast their room
local SHORT = 1800       -- seconds: blobs that live no longer are keys of their own
local ROOM_BYTES = 4096  -- bytes that a room takes beside its chain
local FACTOR = 8         -- bytes that a byte of the chain costs in all, with the node's list of it
local PART = 256         -- numbers between two checkpoints
local AT_A_TIME = 2000   -- blobs that one script deletes: 5 ms
local BUCKET = 60        -- seconds: the bytes of blobs that end in the same minute are one count

-- The keys of a room beside its meta record, blobs and records of ids. A function, because a table
-- would be made for each publish.
local function parts()
  return {'h', 'hi', 'he', 'l', 't', 'u', 's', 'c', 'd', 'dc', 'w', 'q', 'qb', 'qi', 'qk', 'q1', 'q2',
    'q3', 'q4', 'q5', 'q6', 'qt', 'q7', 'q8', 'f', 'fe', 'v', 'p', 'pk', 'pe'}
end

local check_step, take_step -- set by the script of a publish with a roster entry

local NOWHERE = P .. 'x' -- never there: `whole`

local function refuse(code) error({err = 'REFUSED ' .. code}) end

local function clock()
  if ARGV[1] ~= '' then return tonumber(ARGV[1]) end
  local t = call('TIME')
  return t[1] + t[2] / 1000000
end

-- Milliseconds from now until a time, rounded up, so that a key never ends before its content.
local function left(now, at) return string.format(WHOLE, math.max(1, math.ceil((at - now) * 1000))) end

local function decode(raw)
  if string.byte(raw) ~= LAYOUT then error({err = 'LAYOUT unknown'}) end
  local m = {}
  m.layout, m.g, m.n, m.base, m.counter, m.roster, m.commit, m.lobby, m.beat, m.used, m.blobs,
    m.lost, m.last, m.chain, m.due, m.reign, m.before, m.kept, m.l_first,
    m.l_last, m.held = unpack(META, raw)
  return m
end

local function encode(m)
  return pack(META, m.layout, m.g, m.n, m.base, m.counter, m.roster, m.commit, m.lobby, m.beat,
    m.used, m.blobs, m.lost, m.last, m.chain, m.due, m.reign, m.before, m.kept, m.l_first,
    m.l_last, m.held)
end

local function save(m) call('SET', M, encode(m), 'KEEPTTL') end

-- When the room is abandoned: so long after its last beat, or as long as a node holds it.
local function over(m) return math.max(m.beat + ABANDONED, m.held) end

-- A new key gets the end of the room. Keys that have one keep it.
local function bind(m, key) call('PEXPIRE', key, left(m.last, over(m)), 'NX') end

-- A beat holds the room for longer, with everything in it. So does a node while replicas are away. The
-- records of ids, of which there are as many as senders, get SLACK more, and then nothing for so long:
-- beats come at any rate, and a thousand keys at each of them would stop the rooms of all.
local function extend(m)
  local ttl = left(m.last, over(m))
  call('PEXPIRE', M, ttl)
  for _, name in ipairs(parts()) do
    if name ~= 's' then call('PEXPIRE', P .. name, ttl) end
  end
  if call('PEXPIRE', P .. 's', ttl, 'GT') == 0 then return end -- there are none, or they have more
  local longer = left(m.last, over(m) + SLACK)
  call('PEXPIRE', P .. 's', longer)
  for _, sender in ipairs(call('SMEMBERS', P .. 's')) do
    call('PEXPIRE', P .. 'i' .. sender, longer) -- first: `remember`
    call('PEXPIRE', P .. 'r' .. sender, longer)
  end
end

-- Delete the blobs of these numbers that are keys of their own.
local function drop_blobs(from, to)
  local names = {}
  for number = from, to do
    names[#names + 1] = P .. 'b' .. string.format(WHOLE, number)
    if #names == 1000 or number == to then
      call('UNLINK', table_unpack(names))
      names = {}
    end
  end
end

-- Delete everything of a room but the statement of its end. Of the blobs that are keys of their own, the
-- newest AT_A_TIME: a room may have a million, and to delete these would stop the rooms of all. `z` says
-- which are left, for `sweep`. They are nobody's: what a new log puts under the same name replaces them.
local function forget(m)
  for _, sender in ipairs(call('SMEMBERS', P .. 's')) do call('UNLINK', P .. 'i' .. sender, P .. 'r' .. sender) end
  local from = 1
  local old = call('ZREVRANGEBYSCORE', P .. 't', m.last - SHORT, '-inf', 'LIMIT', 0, 1)
  if old[1] then from = tonumber(old[1]) end
  for _, name in ipairs(parts()) do call('UNLINK', P .. name) end
  local kept = m.n - AT_A_TIME
  if from <= kept then
    local before = call('GET', P .. 'z')
    if before then
      local low, high = unpack('>I8I8', before)
      from, kept = math.min(from, low), math.max(kept, high)
    end
    call('SET', P .. 'z', pack('>I8I8', from, kept), 'PX', SHORT * 1000)
  end
  drop_blobs(math.max(from, m.n - AT_A_TIME + 1), m.n)
  call('UNLINK', M)
end

local function ring() call('SPUBLISH', P, 'r') end

-- Push what nodes of this version read. To one of another version it is a ring.
-- It is joined at once, because Lua hashes every string that it makes.
local function push(kind, head, rest)
  call('SPUBLISH', P, kind .. string.char(LAYOUT) .. head .. (rest or ''))
end

-- The statement that ended the room and the generation that it ended, or nil.
local function ended(now)
  local raw = call('GET', P .. 'end')
  if not raw then return nil end
  local at, generation, after = unpack('>dc8', raw)
  if at <= now then return nil end
  return string.sub(raw, after), generation
end

-- The room as it is now: its meta record, with `last` set to now. Nil when there is none. `raw` is the
-- record if it was read already, and false if it was not there.
local function find(raw)
  local now = clock()
  if raw == nil then raw = call('GET', M) end
  if not raw then
    if ended(now) then refuse('ended') end
    return nil
  end
  local m = decode(raw)
  if m.last > now then now = m.last end -- a clock that was set back must not revive what ended
  if now >= over(m) then
    m.last = now
    forget(m)
    return nil
  end
  m.last = now
  return m
end

local function room(raw)
  local m = find(raw)
  if not m then refuse('unknown_room') end
  return m
end

local function expect(m, roster)
  if m.roster ~= roster then error({err = 'ROSTER moved'}) end
end

-- The reign of this server: its replication id, which another one never had.
local function reign_here()
  local said = string.match(call('INFO', 'replication'), 'master_replid:(%x+)')
  return (string.gsub(said, '%x%x', function(two) return string.char(tonumber(two, 16)) end))
end

-- The fence. A room notes the reign under which its last number was given, the one before that, and
-- how many numbers the reign inherited. A node that names another reign than this server's talks to
-- a server that changed under it, and has to come back first.
local function adopt(m, named)
  if named == m.reign then return end
  local here = reign_here()
  if named ~= here and named ~= NOBODY then error({err = 'REIGN moved'}) end
  if m.reign ~= here then m.before, m.reign, m.kept = m.reign, here, m.n end
end

-- Count the bytes of blobs whose minute has passed as free.
local function count(m)
  if m.due > m.last then return end
  local due, left_over = math.huge, 0
  local all = call('HGETALL', P .. 'u')
  for at = 1, #all, 2 do
    local bucket = tonumber(all[at])
    if bucket <= m.last then
      call('HDEL', P .. 'u', all[at])
    else
      due = math.min(due, bucket)
      left_over = left_over + tonumber(all[at + 1])
    end
  end
  m.blobs, m.due = left_over, due == math.huge and m.last + BUCKET or due
end

-- Refuse what the room has no space for. `most` is the room's share, from the node.
local function space(m, size, most)
  count(m)
  if m.used + m.blobs + size > most then refuse('busy') end
end

-- `l` lists ends and numbers of application blobs, and both ascend: a blob that ends before an earlier one
-- takes its place. Count those from the first on (way 1), or from the last back (-1), for which `is` holds of
-- their end. Also return the number of the last of them, and the end of the one behind. It looks at few: at
-- twice as many as before, then at the middle of the rest. A sorted set cost a sixth of a publish.
local ENDING = '>dI8'
local function run(way, is)
  local low, high, number, behind = 0, 1, nil, math.huge
  local function look(nth)
    local one = call('LINDEX', P .. 'l', way == 1 and nth - 1 or -nth)
    if not one then behind = math.huge return false end
    local ends, its = unpack(ENDING, one)
    if is(ends) then number = its return true end
    behind = ends
    return false
  end
  while look(high) do low, high = high, high * 2 end
  while high - low > 1 do
    local middle = math.floor((low + high) / 2)
    if look(middle) then low = middle else high = middle end
  end
  return low, number, behind
end

-- Note the highest number of an application blob that has ended. The meta record knows the first and
-- the last end in `l`, so that a publish mostly need not ask.
local function note_lost(m)
  if m.last < m.l_first then return end
  local gone, number, next_end = run(1, function(ends) return ends <= m.last end)
  if gone > 0 then
    m.lost = number
    call('LTRIM', P .. 'l', gone, -1)
  end
  m.l_first = next_end
end

-- Drop a bounded number of long blobs that have ended.
local function drop_long(m, most)
  local gone = call('ZRANGEBYSCORE', P .. 'he', '-inf', m.last, 'LIMIT', 0, most)
  for _, number in ipairs(gone) do
    call('HDEL', P .. 'h', number)
    call('ZREM', P .. 'hi', number)
    call('ZREM', P .. 'he', number)
  end
  return #gone
end

-- Begin a room. The caller has checked that there is none, and saves.
local function begin(now, generation, roster, counter, chain)
  local m = {layout = LAYOUT, g = generation, n = 0, base = 0, counter = counter, roster = roster,
    commit = string.rep('\0', 32), lobby = 0, beat = now, used = ROOM_BYTES, blobs = 0, lost = 0,
    last = now, chain = 0, due = now + BUCKET, reign = reign_here(), before = NOBODY, kept = 0,
    l_first = math.huge, l_last = 0, held = 0}
  call('SET', M, encode(m), 'PX', left(now, now + ABANDONED))
  for _, entry in ipairs(chain) do
    call('RPUSH', P .. 'c', entry)
    m.used = m.used + FACTOR * (#entry - 64)
    m.chain = m.chain + #entry + 4
  end
  bind(m, P .. 'c')
  return m
end
