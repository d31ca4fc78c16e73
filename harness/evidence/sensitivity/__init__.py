"""Which numbers of a patient drive the gain, the optimum and the verdict."""
