"""How good the diagnosis is: injected mistakes, pairs, correct claims, corruptions, time."""
