-- Store.chain. ARGV: time, start.
room()
return call('LRANGE', P .. 'c', ARGV[2], -1)
