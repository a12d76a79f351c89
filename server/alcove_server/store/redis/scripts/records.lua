-- The newest publish ids of each sender: 32 bytes each, id, number and end, the newest last.
local RECORD, IDS = 32, 128

-- The number that an id was given, or nil. `all` are the sender's records, or false.
local function taken(m, id, all)
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

local function remember(m, sender, id, number, ends, all)
  local key = P .. 'r' .. sender
  local record = id .. pack('>I8d', number, ends)
  if not all then
    call('SET', key, record, 'PX', left(m.last, over(m) + SLACK))
    call('SADD', P .. 's', sender)
    bind(m, P .. 's')
  elseif #all >= RECORD * (IDS + 32) then
    call('SET', key, string.sub(all, -RECORD * (IDS - 1)) .. record, 'KEEPTTL')
  else
    call('APPEND', key, record)
  end
end
