# Takes the comments out of a script, whole lines and blocks that begin a line with /**, and what
# indents the rest: no literal goes over a line.
/^ *\/\*\*.*\*\/ *$/d
/^ *\/\*\*/,/\*\//d
/^ *\/\/ /d
s/^ +//
/^$/d
