-- Call `act` with the items of a list, so many at a time: a thousand keys may leave, or tickets end, in one
-- moment, and commands for each of them would stop the rooms of all.
local function in_parts(list, most, act)
  for at = 1, #list, most do
    local part = {}
    for next = at, math.min(#list, at + most - 1) do part[#part + 1] = list[next] end
    act(part)
  end
end
