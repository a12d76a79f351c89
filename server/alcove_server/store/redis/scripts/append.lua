-- Give a blob the next number. `tail` is what follows number and times in a stored blob.
local APPLICATION, BEAT = 2, 3

local function append(m, class, life, tail, size, commit)
  local now = m.last
  local number = m.n + 1
  local name = string.format(WHOLE, number)
  local ends = now + life
  local stored = pack('>I8dd', number, now, ends) .. tail
  m.n = number
  if life <= SHORT then
    call('SET', P .. 'b' .. name, stored, 'PX', left(now, ends))
  else
    call('UNLINK', P .. 'b' .. name) -- of an earlier log, if it is not swept yet
    call('HSET', P .. 'h', name, stored)
    call('ZADD', P .. 'hi', name, name)
    call('ZADD', P .. 'he', ends, name)
    bind(m, P .. 'h')
    bind(m, P .. 'hi')
    bind(m, P .. 'he')
  end
  if class == APPLICATION then
    -- Only blobs that end before every later one are kept here, so numbers and ends both ascend.
    -- The last of them that has ended has the highest number of all that have.
    note_lost(m)
    if ends <= m.l_last then
      call('LTRIM', P .. 'l', 0, -1 - run(-1, function(later) return later >= ends end))
    end
    call('RPUSH', P .. 'l', pack(ENDING, ends, number))
    if ends <= m.l_first then -- it is the only one, so the key is new
      bind(m, P .. 'l')
      m.l_first = ends
    end
    m.l_last = ends
  elseif class ~= BEAT then
    m.base, m.commit = number, commit
  end
  if number % PART == 0 then
    call('ZADD', P .. 't', now, name)
    bind(m, P .. 't')
  end
  local bucket = math.ceil(ends / BUCKET) * BUCKET
  local counted = call('HINCRBY', P .. 'u', string.format(WHOLE, bucket), size)
  if counted == size then bind(m, P .. 'u') end -- perhaps the first field of the hash
  m.blobs = m.blobs + size
  if bucket < m.due then m.due = bucket end
  return stored
end
