-- After a change of the primary: ARGV: time, reign of this server, reign under which the node told,
-- generation and number that it told last. A room that lacks what was told is forgotten: otherwise
-- the number would silently become another blob. A reign that the room does not know any more is
-- too old to be judged, and taken as a loss.
local m = find()
if not m then return 'gone' end
adopt(m, ARGV[2])
local told = tonumber(ARGV[5])
if m.g == ARGV[4] and ARGV[3] ~= m.reign and (ARGV[3] ~= m.before or told > m.kept) then
  forget(m)
  ring()
  return 'lost'
end
save(m)
return 'kept'
