"""The printed forms of results: text, HTML for notebooks, and JSON. Importing it registers the first two."""

from gradproof._printed import html_of, text_of
from gradproof.reference import Reference
from gradproof.render.reference import reference_to_html, reference_to_text
from gradproof.render.report import report_to_html, report_to_text
from gradproof.render.verification import estimate_to_text, verification_to_html, verification_to_text
from gradproof.results import Report
from gradproof.witness import Estimate, Verification

text_of.register(Reference, reference_to_text)
text_of.register(Report, report_to_text)
text_of.register(Estimate, estimate_to_text)
text_of.register(Verification, verification_to_text)
html_of.register(Reference, reference_to_html)
html_of.register(Report, report_to_html)
html_of.register(Verification, verification_to_html)
