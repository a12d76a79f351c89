"""Small models of the rules that members and relay apply to shared state, searched exhaustively.

`reseat` is a relay that lost its memory, `judging` what a commit may do to a room, and `vaults`
what facilitators share. A model says what must hold. The tests drop each rule to see that something
breaks, and play the model's traces on the real code.
"""
