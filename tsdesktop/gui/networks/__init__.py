"""The window of all networks: what is on this computer, what can be had, and what is done with them.

`window.Networks` puts it together: `reading` looks at the folders, `rows` makes values of what it found, `list` and
`details` show them, `deeds` acts on them, `line` tells how that goes.
"""
