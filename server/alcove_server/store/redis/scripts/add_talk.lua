-- Store.add_talk. ARGV: time, newcomer, key, id, blob, most of the room.
local m = lobby_room()
local newcomer, key, id, blob = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local knock = knock_of(newcomer)
if not knock then refuse('unknown_knock') end
local kind = key == newcomer and REQUEST or VAULT
local said = 0
for _, number in ipairs(listed('qt', newcomer)) do
  local item = item_of(number)
  if item.kind == kind then
    if item.id == id and item.key == key then return 'known' end
    said = said + 1
  end
end
if said >= DOOR_TALK then refuse('talk_full') end
space(m, #blob + ITEM_BYTES, tonumber(ARGV[6]))
m.lobby = m.lobby + 1
m.used = m.used + #blob + ITEM_BYTES
local number = string.format('%.0f', m.lobby)
keep_item(m, number, {kind = kind, id = id, key = key, taken = m.last, door = '', revoked = false,
  to = kind == VAULT and newcomer or '', talk = true})
call('ZADD', P .. 'q6', number, number)
bind(m, P .. 'q6')
call('HSET', P .. 'qb', number, blob)
bind(m, P .. 'qb')
list(m, 'qt', newcomer, m.lobby)
local at = knock.number
knock.number, knock.renewed = nil, m.last
keep_item(m, at, knock)
save(m)
ring()
return 'added'
