-- Store.revoke_door. ARGV: time, id, roster head.
local m = lobby_room()
expect(m, ARGV[3])
if expire_doors(m) then save(m) end
if not door_of(m, ARGV[2]) then refuse('unknown_door') end
revoke(m, {[ARGV[2]] = true})
save(m)
return 'revoked'
