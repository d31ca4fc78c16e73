"""What a train does to the muscle: the response laws, each an assumption.

No readable source gives a human curve per setting, and none says how patients differ,
so that no single law may carry a conclusion. Every law is therefore exchangeable.

The life of a gain. Whoever programs settings puts together the `Train` that reaches the
muscle, and asks the patient's law once: `law.gain(train, inputs)`. What comes back, the
*steady* relative gain of LV elastance, is kept until something else is programmed or a
lead changes; every beat with a train is handed that number, and
`sim.heart.contractility` lets the muscle approach it over beats and minutes. The truth
of a lattice and the people a search knows beforehand ask the same method, with arrays
for the train. No law is asked inside a kernel, and none learns which visit it is in.

`response_law` holds the protocol and what a law may know of the patient, `muscle` what
scales every law alike, `shapes`, `sized` and `spread` what several laws share. Each law
has a module; `tabulated` reads one from a table, `own` is somebody's and `code` runs
what that means, here or where the harness has it run, `registry` finds any by its name,
and `conformance` checks what all must do.
"""
