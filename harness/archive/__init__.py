"""The folder of a run: written, read back, rendered again, cited, set side by side.

The life of a folder. `run_folder` writes everything beside the place where it shall
stand, notes the hash of each file in `run.json`, and renames the whole: no half-written
run is ever seen, and none that is not ours is replaced. Whoever reads one checks those
hashes first. From then on nothing is simulated but by `replaying`, which plays the log
of actions again, or another way from a moment on, and `reading`, which holds what came
out against the folder, so that a run is had back as it was; `rerender` and
`side_by_side` draw from the stored report alone, `citing` from the stored sources.

`tables` and `strips` make the files of a visit; `hand_out` and `strips_told` leave out
what nobody in the visit knew, for students.
"""
