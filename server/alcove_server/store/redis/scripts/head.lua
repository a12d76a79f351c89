-- Store.head: nothing, the statement of the end with the generation, or the meta record.
local now = clock()
local statement, generation = ended(now)
if statement then return {'ended', statement, generation} end
local m = find()
return m and {'there', encode(m)} or {'none'}
