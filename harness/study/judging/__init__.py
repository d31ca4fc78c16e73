"""Judging: what studies of many visits show of their contenders.

A leaderboard comes about in this order. `reading` takes the stored visits of studies;
`cells` are those of one contender, plan and budget. `outcomes` says what a cell chose
and reached, `verdicts` how often it was right, `trajectory` what it would have chosen
at each minute, `paired` how it stands against others on the same patients; `numbers`
gives each its interval. `board` ranks the lines, whose numbers `metrics` defines.
`layout` and `words` put them into tables and sentences, the figures draw them, `page`
and `files` write them; `compare` is the command, `thresholds` its exit code.
"""
