-- Store.reseat. ARGV: time, expected roster head (empty: no room), generation, roster head,
-- counter, chain (msgpack), doors (msgpack), commits (msgpack: tail, hash and size of each blob, in
-- order), most of the room, the statement of the end that this lifts (empty: none).
local lifted = ARGV[10] ~= '' and ended(clock()) == ARGV[10]
local m = nil
if not lifted then m = find() end
local most = tonumber(ARGV[9])
if m then
  expect(m, ARGV[2])
elseif ARGV[2] ~= '' then
  refuse('unknown_room')
end
local chain, doors = cmsgpack.unpack(ARGV[6]), cmsgpack.unpack(ARGV[7])
local commits = cmsgpack.unpack(ARGV[8])
local size, seen, once = ROOM_BYTES, {}, {}
for _, one in ipairs(commits) do size = size + one.size end
for _, entry in ipairs(chain) do size = size + FACTOR * (#entry - 64) end
for _, one in ipairs(doors) do
  local known = seen[one.id]
  if known and (known.key ~= one.key or known.card >= one.card)
    and not (known.card == one.card and known.text == one.text) then refuse('bad_statement') end
  if known then
    size = size + #one.text - #known.text
    known.card, known.text = one.card, one.text
  else
    seen[one.id] = one
    once[#once + 1] = one
    size = size + ITEM + #one.text
  end
end
if #once > DOORS then refuse('too_many_doors') end
if size > most then refuse('busy') end
local now = m and m.last or clock()
if m then forget(m) end
m = begin(now, ARGV[3], ARGV[4], tonumber(ARGV[5]), chain)
local all = {}
for _, one in ipairs(once) do
  local id, text = one.id, one.text
  one.id, one.text = nil, nil
  put_door(m, id, one, text, most, all)
end
for _, one in ipairs(commits) do append(m, 1, REJOIN, one.tail, one.size, one.hash) end
save(m)
call('HSET', P .. 'v', 'since', string.format('%.6f', now))
bind(m, P .. 'v')
if lifted then call('UNLINK', P .. 'end') end
ring()
return 'seated'
