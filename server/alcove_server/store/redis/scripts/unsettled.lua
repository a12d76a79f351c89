-- Store.unsettled: nothing in a settled log, else generation, age and votes. ARGV: time.
local m = room()
local since = call('HGET', P .. 'v', 'since')
if not since then return {} end
local found = {m.g, string.format('%.6f', m.last - tonumber(since))}
local all = call('HGETALL', P .. 'v')
for at = 1, #all, 2 do
  if all[at] ~= 'since' then
    found[#found + 1] = all[at]
    found[#found + 1] = all[at + 1]
  end
end
return found
