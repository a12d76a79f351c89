-- Store.pass_on. ARGV: time, node, sender, message.
room()
push('d', ARGV[2] .. ARGV[3] .. ARGV[4])
return 'told'
