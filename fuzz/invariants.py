"""What holds of every answer, whatever was asked."""

from __future__ import annotations

from urllib.parse import quote

from gradproof import _status
from gradproof_server.serving.errors import INTERNAL, MAX_DETAILS_BYTES
from gradproof_server.serving.failures import MAX_MESSAGE_BYTES, Failure, failure_to_status

_REQUEST_ID = "0" * 128
_PRINTABLE = "".join(chr(code) for code in range(32, 127) if chr(code) != "%")


def check_failure(failure: Failure) -> None:
    """Raises AssertionError unless a failure is the caller's, fits in the metadata, and says what is wrong where."""
    assert failure.kind is not INTERNAL, failure.log_text
    assert failure.kind.reason != "OUT_OF_MEMORY", "a problem within small limits took all memory"
    status = failure_to_status(failure, _REQUEST_ID)
    assert status.ByteSize() <= MAX_DETAILS_BYTES, f"{status.ByteSize()} bytes of details"
    assert 0 < len(quote(status.message, safe=_PRINTABLE)) <= MAX_MESSAGE_BYTES, f"message: {status.message!r}"
    for violation in failure.violations:
        assert violation.path, violation
        assert violation.reason, violation
        assert violation.description, violation
    details = _status.decode_details(status.SerializeToString())
    assert details.reason == failure.kind.reason, f"the SDK reads {details} of {status}"
    assert bool(details.violations) == bool(failure.violations), f"the SDK reads {details} of {status}"
