-- Store.publish. ARGV: time, head (base, roster, life, kept, reign, most of the room, size: 0 if it is
-- too large), tail, and of a commit its hash and the step (msgpack; empty without an entry).
local tail = ARGV[3]
local base, roster, life, kept, reign, most, size = unpack('>c16c32I4I4c20I8I4', ARGV[2])
local class, id, sender = unpack('>Bc16c32', tail)
local both = call('MGET', M, P .. 'i' .. sender, NOWHERE) -- `whole`
local m, tags = room(both[1]), both[2]
local number = taken(m, id, sender, tags)
if number then return m.g .. pack(NUMBER, number) end
expect(m, roster)
if class == APPLICATION and m.last >= m.beat + READ_ONLY then refuse('read_only') end
local current = m.g .. pack(NUMBER, m.base)
if base ~= current then return {'stale', current} end
if size == 0 then refuse('too_large') end
space(m, size, most)
adopt(m, reign)
if check_step then check_step(m, size, most) end
local stored = append(m, class, life, tail, size, ARGV[4])
if class == BEAT then
  m.beat, m.held = m.last, 0
  drop_long(m, 100)
end
remember(m, sender, id, m.n, m.last + kept, tags)
if take_step then take_step(m) end
save(m)
if class == BEAT then extend(m) end
if take_step then ring() else push('b', m.g, stored) end
return m.g .. pack(NUMBER, m.n)
