"""Problem files: a training step and a claim, written by people in YAML or JSON."""

from gradproof.problem_file.claims import QUANTITIES as QUANTITIES
from gradproof.problem_file.reader import ProblemFile as ProblemFile
from gradproof.problem_file.reader import load as load
from gradproof.problem_file.reader import loads as loads
