-- Tell all nodes that hold the room that a key connected at one of them. ARGV: time, node and number,
-- key, the seconds since it connected, or the time if it was told before (8, double; the other is empty).
local m = room()
local at = ARGV[5]
if at == '' then
  m.last = m.last + 0.000001 -- so that no two have one time, also while the clock stands behind `last`
  save(m)
  at = pack('>d', m.last - tonumber(ARGV[4]))
end
push('c', ARGV[2] .. at .. ARGV[3])
return 'told'
