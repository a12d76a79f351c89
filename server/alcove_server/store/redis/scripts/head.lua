-- Store.head: nothing, the statement of the end, or the meta record.
local now = clock()
local statement = ended(now)
if statement then return {'ended', statement} end
local m = find()
return m and {'there', encode(m)} or {'none'}
