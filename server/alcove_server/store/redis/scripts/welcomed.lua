-- Store.welcomed. ARGV: time, key, position.
local m = room()
local raw = call('HGET', P .. 'w', ARGV[2])
if not raw then return 'unknown' end
local at = cmsgpack.unpack(raw).at
if string.sub(at, 1, 8) == string.sub(ARGV[3], 1, 8) and at <= ARGV[3] then
  drop_welcome(m, ARGV[2])
  save(m)
end
return 'seen'
