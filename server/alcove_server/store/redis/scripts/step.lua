-- What a roster entry changes beside the log: chain, doors, lobby, Welcomes.
local CHAIN = 2 * 1024 * 1024
local MANY = 500 -- keys at a time
local step = cmsgpack.unpack(ARGV[5])
local entry = step.signature .. step.body

local function keep_entry(m)
  call('RPUSH', P .. 'c', entry)
  bind(m, P .. 'c')
  m.used = m.used + FACTOR * #step.body
  m.chain = m.chain + #entry + 4
end

-- Those of these keys that are fields of a hash.
local function known_in(name, list)
  local found = {}
  in_parts(list, MANY, function(part)
    for at, value in ipairs(call('HMGET', P .. name, table_unpack(part))) do
      if value then found[#found + 1] = part[at] end
    end
  end)
  return found
end

local function set_of(list)
  local found = {}
  for _, one in ipairs(list) do found[one] = true end
  return found
end

check_step = function(m, size, most)
  if expire_lobby(m) then save(m) end
  local welcomes = 0
  for _, welcome in pairs(step.welcomes) do welcomes = welcomes + #welcome + WELCOME_BYTES end
  space(m, size + welcomes + FACTOR * #step.body, most)
  if m.chain + #entry + 4 > CHAIN then refuse('history_full') end
  for key, door in pairs(step.admitted) do
    local knock = knock_of(key)
    if not knock or knock.door ~= door then refuse('unknown_knock') end
  end
  check_uses(m, step.spent)
end

take_step = function(m)
  keep_entry(m)
  m.roster, m.counter = step.head, step.counter
  for _, door in ipairs(step.spent) do use_door(m, door) end
  revoke(m, set_of(step.revoked))
  local numbers = {}
  for _, key in ipairs(known_in('qk', step.settled)) do
    for _, number in ipairs(listed('qk', key)) do numbers[#numbers + 1] = number end
  end
  table.sort(numbers, function(one, other) return tonumber(one) < tonumber(other) end)
  for _, number in ipairs(numbers) do settle_item(m, number, item_of(number)) end
  in_parts(step.gone, MANY, function(part)
    call('SREM', P .. 's', table_unpack(part))
    for _, kind in ipairs({'i', 'r'}) do
      local names = {}
      for at, key in ipairs(part) do names[at] = P .. kind .. key end
      call('UNLINK', table_unpack(names))
    end
  end)
  for _, key in ipairs(known_in('w', step.gone)) do drop_welcome(m, key) end
  drop_tickets_of(m, known_in('pk', step.gone))
  local welcomed = {}
  for key in pairs(step.welcomes) do welcomed[#welcomed + 1] = key end
  for _, key in ipairs(known_in('w', welcomed)) do drop_welcome(m, key) end
  for key, welcome in pairs(step.welcomes) do
    m.used = m.used + #welcome + WELCOME_BYTES
    call('HSET', P .. 'w', key, cmsgpack.pack({welcome = welcome, at = m.g .. pack(NUMBER, m.n),
      ends = m.last + REJOIN, entry = entry}))
  end
  if #welcomed > 0 then bind(m, P .. 'w') end
end
