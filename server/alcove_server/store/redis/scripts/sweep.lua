-- Delete more of the blobs that `forget` left. ARGV: time. Returns whether there are more.
local raw = call('GET', P .. 'z')
if not raw then return 0 end
local from, to = unpack('>I8I8', raw)
local meta = call('GET', M)
if meta then from = math.max(from, decode(meta).n + 1) end -- a new log has replaced those before
local at = math.max(from, to - AT_A_TIME + 1)
drop_blobs(at, to)
if at <= from then
  call('UNLINK', P .. 'z')
  return 0
end
call('SET', P .. 'z', pack('>I8I8', from, at - 1), 'KEEPTTL')
return 1
