"""The simulated world: heart, patient, device, instruments and the visit."""
