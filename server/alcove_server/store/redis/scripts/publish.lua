-- Store.publish. ARGV: time, head (base, roster, id, class, life, kept, sender, reign), tail, most of the
-- room, most of a blob, the hash of a commit, the step (msgpack; empty without an entry).
local base, roster, id, class, life, kept, sender, reign = unpack('>c16c32c16BI4I4c32c20', ARGV[2])
local both = call('MGET', M, P .. 'r' .. sender, NOWHERE) -- `whole`
local m, all = room(both[1]), both[2]
local number = taken(m, id, all)
if number then return m.g .. pack(NUMBER, number) end
expect(m, roster)
if class == APPLICATION and m.last >= m.beat + READ_ONLY then refuse('read_only') end
local current = m.g .. pack(NUMBER, m.base)
if base ~= current then return {'stale', current} end
local tail = ARGV[3]
if ARGV[5] == '' then refuse('too_large') end
local size = tonumber(ARGV[5])
space(m, size, tonumber(ARGV[4]))
adopt(m, reign)
if check_step then check_step(m, size) end
local stored = append(m, class, life, tail, size, ARGV[6])
if class == BEAT then
  m.beat, m.held = m.last, 0
  drop_long(m, 100)
end
remember(m, sender, id, m.n, m.last + kept, all)
if take_step then take_step(m) end
save(m)
if class == BEAT then extend(m) end
if take_step then ring() else push('b', m.g, stored) end
return m.g .. pack(NUMBER, m.n)
