"""Coverage-guided fuzzing of all that reads what others wrote: requests, responses, problem files, callers' files."""
