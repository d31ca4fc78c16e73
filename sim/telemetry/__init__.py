"""What the programmer's screen shows: strips and markers, made from the beat table.

The life of a strip. Nothing is drawn while a visit is simulated: the beat table keeps
when each beat was activated, sensed and paced, and what its pressures were. Asked for a
span, `beats` reads the rows that touch it, `channels` lists the traces, and each trace
is a sum of templates placed at those times: `ecg` and `morphology` the waves,
`electrogram` the leads, `pressure` the arteries, `fibrillation` and `disturbance` what
lies over them. `synthesis` adds them up in pieces, so that four hours need no more
memory than a minute, and `wfdb_files`, `edf_files` write them. `markers` are what the
device made of the same beats, `annotations` what was true: strip, marker and truth
cannot disagree about a beat, as all three are read from its row.
"""
