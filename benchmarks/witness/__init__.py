"""The witness, measured: honest bars, false alarms, blindness, speed, size."""
