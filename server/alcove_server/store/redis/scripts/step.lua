-- What a roster entry changes beside the log: chain, doors, lobby, Welcomes.
local CHAIN = 2 * 1024 * 1024
local step = cmsgpack.unpack(ARGV[7])
local entry = step.signature .. step.body

local function keep_entry(m)
  call('RPUSH', P .. 'c', entry)
  bind(m, P .. 'c')
  m.used = m.used + FACTOR * #step.body
  m.chain = m.chain + #entry + 4
end

local function set_of(list)
  local found = {}
  for _, one in ipairs(list) do found[one] = true end
  return found
end

check_step = function(m, size)
  if expire_lobby(m) then save(m) end
  local welcomes = 0
  for _, welcome in pairs(step.welcomes) do welcomes = welcomes + #welcome + WELCOME_BYTES end
  space(m, size + welcomes + FACTOR * #step.body, tonumber(ARGV[4]))
  if m.chain + #entry + 4 > CHAIN then refuse('history_full') end
  for key, door in pairs(step.admitted) do
    local knock = knock_of(key)
    if not knock or knock.door ~= door then refuse('unknown_knock') end
  end
  check_uses(m, step.admitted)
end

take_step = function(m)
  keep_entry(m)
  m.roster, m.counter = step.head, step.counter
  for _, door in pairs(step.admitted) do use_door(m, door) end
  revoke(m, set_of(step.revoked))
  local numbers = {}
  for _, key in ipairs(step.settled) do
    for _, number in ipairs(listed('qk', key)) do numbers[#numbers + 1] = number end
  end
  table.sort(numbers, function(one, other) return tonumber(one) < tonumber(other) end)
  for _, number in ipairs(numbers) do settle_item(m, number, item_of(number)) end
  for _, key in ipairs(step.gone) do
    call('UNLINK', P .. 'r' .. key)
    call('SREM', P .. 's', key)
    drop_welcome(m, key)
  end
  for key, welcome in pairs(step.welcomes) do
    drop_welcome(m, key)
    m.used = m.used + #welcome + WELCOME_BYTES
    call('HSET', P .. 'w', key, cmsgpack.pack({welcome = welcome, at = m.g .. pack(NUMBER, m.n),
      ends = m.last + REJOIN, entry = entry}))
    bind(m, P .. 'w')
  end
end
