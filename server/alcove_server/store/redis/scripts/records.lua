-- The newest publish ids of each sender: in `r` 32 bytes each, id, number and end, the newest last. Lua
-- hashes what it reads, and these 4 KiB at each publish were a seventh of its cost. So `i` has the first
-- four bytes of each id, and only where they are found `r` is read.
local RECORD, IDS, TAG = 32, 128, 4

-- The number that an id was given, or nil. `tags` are what `i` has, or false.
local function taken(m, id, sender, tags)
  if not tags or not string.find(tags, string.sub(id, 1, TAG), 1, true) then return nil end
  local all = call('GET', P .. 'r' .. sender)
  if not all then return nil end
  local from = math.max(1, #all - RECORD * IDS + 1)
  local at = string.find(all, id, from, true)
  while at do
    if (at - 1) % RECORD == 0 then
      local number, ends = unpack('>I8d', all, at + 16)
      if ends > m.last then return number end
    end
    at = string.find(all, id, at + 1, true)
  end
  return nil
end

local function remember(m, sender, id, number, ends, tags)
  local tagged, key = P .. 'i' .. sender, P .. 'r' .. sender
  local tag, record = string.sub(id, 1, TAG), id .. pack('>I8d', number, ends)
  if not tags then
    local ttl = left(m.last, over(m) + SLACK)
    call('SET', tagged, tag, 'PX', ttl) -- first, so that `r` lives no shorter
    call('SET', key, record, 'PX', ttl)
    call('SADD', P .. 's', sender)
    bind(m, P .. 's')
    return
  end
  call('APPEND', tagged, tag)
  if call('APPEND', key, record) >= RECORD * (IDS + 32) then
    call('SET', tagged, string.sub(call('GET', tagged), -TAG * IDS), 'KEEPTTL')
    call('SET', key, string.sub(call('GET', key), -RECORD * IDS), 'KEEPTTL')
  end
end
