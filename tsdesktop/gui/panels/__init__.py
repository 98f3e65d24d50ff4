"""The two sides of the window: left what to do (find, choose, run), right what was found.

Every panel gets the session or the choices of the next run, listens to their signals and emits its own; panels never
call each other. `left.LeftPanel` and `right.RightPanel` put them together.
"""
