-- Store.chain. ARGV: time, start, end (the last counter).
room()
return call('LRANGE', P .. 'c', ARGV[2], ARGV[3])
