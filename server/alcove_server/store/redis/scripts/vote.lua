-- Store.vote. ARGV: time, generation, key, vote, the command that notes it.
local m = room()
if m.g == ARGV[2] and call('HEXISTS', P .. 'v', 'since') == 1 then
  call(ARGV[5], P .. 'v', ARGV[3], ARGV[4])
end
return 'named'
