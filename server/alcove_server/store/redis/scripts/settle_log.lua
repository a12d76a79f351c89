-- Store.settle_log. ARGV: time, generation.
local m = room()
if m.g == ARGV[2] then call('UNLINK', P .. 'v') end
return 'settled'
