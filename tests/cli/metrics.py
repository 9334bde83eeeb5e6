"""Pages of metrics, as servers give them."""

from __future__ import annotations

METHOD = 'grpc_service="gradproof.v1.GradientService",grpc_method="CheckGradients"'


def metrics(calls: int, *, failed: int = 0, start: float = 100.0) -> str:
    """Those of a server that answered so many calls, and failed at others, within 0.1 to 0.2 s; two are in flight."""
    return f"""# HELP grpc_server_started_total x
# TYPE grpc_server_started_total counter
grpc_server_started_total{{{METHOD}}} {calls + failed + 2}
grpc_server_handled_total{{{METHOD},grpc_code="OK"}} {calls}
grpc_server_handled_total{{{METHOD},grpc_code="Internal"}} {failed}
grpc_server_handling_seconds_bucket{{{METHOD},le="0.1"}} 0.0
grpc_server_handling_seconds_bucket{{{METHOD},le="0.2"}} {calls + failed}
grpc_server_handling_seconds_bucket{{{METHOD},le="+Inf"}} {calls + failed}
gradproof_checks_total{{verdict="agrees"}} {calls}
gradproof_findings_total{{code="none"}} 2.0
gradproof_waiting_calls 3.0
process_start_time_seconds {start}
"""
