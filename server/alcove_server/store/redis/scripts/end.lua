-- Store.end. ARGV: time, statement, roster head.
local m = room()
expect(m, ARGV[3])
forget(m)
call('SET', P .. 'end', pack('>dc8', m.last + TOMBSTONE, m.g) .. ARGV[2], 'PX',
  left(m.last, m.last + TOMBSTONE))
ring()
return 'ended'
