"""
Amplitude and delay
===================

Medians of two delays, told apart by line and marker: it may be printed in grey.
"""

from harness import sweep

gains = sweep(
    ["hfref-ischaemic"],
    {"amplitude_v": [4.5, 5.5, 6.5, 7.5], "delay_ms": [20.0, 30.0, 40.0]},
)
figure = gains.plot(width="single")
