-- Welcomes: `w` holds them by relay key.
local WELCOME_BYTES = 512

local function drop_welcome(m, key)
  local raw = call('HGET', P .. 'w', key)
  if not raw then return end
  m.used = m.used - #cmsgpack.unpack(raw).welcome - WELCOME_BYTES
  call('HDEL', P .. 'w', key)
end
