"""What is searched, how it is valued, and what is known of people beforehand.

A `Task` has it all; its `Lattice`, laid around the reference of a visit, is the
`TherapySpace` whose points strategies ask for.
"""
