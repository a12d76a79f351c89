-- Store.open. ARGV: time, generation, roster head, entry, most of the room.
local m = find()
if m then
  if string.sub(call('LINDEX', P .. 'c', 0), 65) ~= string.sub(ARGV[4], 65) then
    refuse('room_exists')
  end
  return 'there'
end
if ROOM_BYTES + FACTOR * (#ARGV[4] - 64) > tonumber(ARGV[5]) then refuse('busy') end
save(begin(clock(), ARGV[2], ARGV[3], 0, {ARGV[4]}))
return 'opened'
