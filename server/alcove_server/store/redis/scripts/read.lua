-- Store.read. ARGV: time, position, most bytes of the page.
local PAGE, LOOKED, CHUNK, FRAME = 500, 2000, 64, 138
local HEADER = 24 + 53 -- number, times, then class, id, sender and the length of an entry's body
local m = room()
local start = unpack(NUMBER, ARGV[2], 9)
local known = string.sub(ARGV[2], 1, 8) == m.g and start <= m.n
if not known then start = 0 end
local lost = m.lost
note_lost(m)
if m.lost ~= lost then save(m) end

-- Blobs of an own key up to `floor` have ended: they were taken longer ago than such a blob lives.
local floor = start
local old = call('ZREVRANGEBYSCORE', P .. 't', m.last - SHORT, '-inf', 'LIMIT', 0, 1)
if old[1] then
  floor = math.max(start, tonumber(old[1]))
  call('ZREMRANGEBYSCORE', P .. 't', '-inf', '(' .. call('ZSCORE', P .. 't', old[1]))
end
local function named(number) return string.format('%.0f', number) end
local numbers, long = {}, {}
for _, number in ipairs(call('ZRANGEBYSCORE', P .. 'hi', '(' .. named(start), '+inf', 'LIMIT', 0, LOOKED)) do
  long[number] = true
  if tonumber(number) <= floor then numbers[#numbers + 1] = number end
end
local complete = #numbers < LOOKED
if complete then
  for number = floor + 1, math.min(m.n, floor + LOOKED - #numbers) do
    numbers[#numbers + 1] = named(number)
  end
end

local found, size, up_to, full = {}, 0, start, false
for at = 1, #numbers, CHUNK do
  if full then break end
  local own, parts = {}, {}
  for i = at, math.min(at + CHUNK - 1, #numbers) do
    if long[numbers[i]] then parts[#parts + 1] = numbers[i] else own[#own + 1] = P .. 'b' .. numbers[i] end
  end
  own = #own > 0 and call('MGET', table_unpack(own)) or {}
  parts = #parts > 0 and call('HMGET', P .. 'h', table_unpack(parts)) or {}
  local next_own, next_part = 1, 1
  for i = at, math.min(at + CHUNK - 1, #numbers) do
    local stored
    if long[numbers[i]] then
      stored, next_part = parts[next_part], next_part + 1
    else
      stored, next_own = own[next_own], next_own + 1
    end
    if #found == PAGE then full = true break end
    if stored and unpack('>d', stored, 17) > m.last then
      local more = #stored - HEADER + FRAME
      if #found > 0 and size + more > tonumber(ARGV[3]) then full = true break end
      size = size + more
      found[#found + 1] = stored
    end
    up_to = tonumber(numbers[i])
  end
end
if not full and #numbers < LOOKED then up_to = m.n end
local lost_here = (not known or m.lost > start) and 1 or 0
local quiet = m.last >= m.beat + READ_ONLY and 1 or 0
table.insert(found, 1, pack('>c8I8I8c32I8BdBc20', m.g, m.n, m.base, m.commit, up_to, lost_here, m.last, quiet,
  m.reign))
return found
