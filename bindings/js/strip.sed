# Takes the comments out of a script: whole lines, and blocks that begin a line with /**.
/^ *\/\*\*.*\*\/ *$/d
/^ *\/\*\*/,/\*\//d
/^ *\/\/ /d
