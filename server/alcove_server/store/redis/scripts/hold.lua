-- Hold a room while replicas are away, because no beat gets through then: for half an hour from now,
-- and at most a day after its last beat. ARGV: time. Nothing is answered or told.
local m = find()
if m then
  m.held = math.max(m.held, math.min(m.last + ABANDONED, m.beat + TOMBSTONE))
  save(m)
  extend(m)
end
return 'held'
