"""The server as it should run in production: TLS on both sides, callers by token, certificate and signature, quotas."""

from __future__ import annotations

import hashlib
import json
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gradproof as gp
import grpc
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from gradproof.cli.app import run
from gradproof.problem_file import load
from gradproof.v1 import gradient_service_pb2, tensor_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from jwt.algorithms import ECAlgorithm

from tests.support.certificates import Authority, Pair
from tests.support.logged import Process

pytestmark = pytest.mark.slow
METHOD = "/gradproof.v1.GradientService/"
TOKEN = "correct-horse-battery-staple"
CASE = Path("examples/founding_case.yaml")
KEY = ec.generate_private_key(ec.SECP256R1())


def callers_file(token: str) -> str:
    """Three callers: by token, with room for one call; by certificate; by signed token, for one method."""
    return f"""
    [[caller]]
    name = "by-token"
    token_sha256 = ["{hashlib.sha256(token.encode()).hexdigest()}"]
    max_calls = 1

    [[caller]]
    name = "by-certificate"
    subjects = ["kernels"]

    [[caller]]
    name = "by-signature"
    subjects = ["ci"]
    methods = ["ListCatalog"]

    [jwt]
    jwks_file = "jwks.json"
    issuer = "https://issuer.example.org"
    audience = "gradproof"
    algorithms = ["ES256"]
    """


def signed(subject: str) -> str:
    """A token of the issuer."""
    claims = {"sub": subject, "iss": "https://issuer.example.org", "aud": "gradproof", "exp": int(time.time()) + 300}
    return jwt.encode(claims, KEY, "ES256")


@dataclass
class Production:
    """The server, what its clients trust, and who signs their certificates."""

    process: Process
    folder: Path
    port: int
    health_port: int
    root: bytes
    authority: Authority

    def channel(self, name: str = "anybody") -> grpc.Channel:
        """A connection of a client with a certificate for a name."""
        pair: Pair = self.authority.issue(name)
        credentials = grpc.ssl_channel_credentials(self.root, pair.key, pair.certificate)
        return grpc.secure_channel(f"localhost:{self.port}", credentials, [("grpc.use_local_subchannel_pool", 1)])

    def client(self, name: str = "anybody", token: str | None = None) -> gp.Client:
        """The same by the SDK."""
        pair = self.authority.issue(name)
        tls = gp.TLS(root=self.root, certificate=pair.certificate, key=pair.key)
        return gp.Client(f"localhost:{self.port}", tls=tls, token=token)


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    """The server, started."""
    folder = tmp_path_factory.mktemp("production")
    server, clients = Authority("servers"), Authority("clients")
    certificate, key = server.server().write(folder, "server")
    (folder / "clients.pem").write_bytes(clients.certificate)
    (folder / "callers.toml").write_text(callers_file(TOKEN))
    public = ECAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
    (folder / "jwks.json").write_text(json.dumps({"keys": [public]}))
    tls = ["--tls-certificate", str(certificate), "--tls-key", str(key), "--tls-client-ca", str(folder / "clients.pem")]
    callers = ["--callers-file", str(folder / "callers.toml"), "--no-reflection", "--reload-seconds", "3600"]
    process = Process(*tls, *callers, "--workers", "1", "--propagation-seconds", "0", "--drain-seconds", "0")
    with process.process:
        line = process.wait_for("serving")
        yield Production(process, folder, line["port"], line["health_port"], server.certificate, clients)
        process.signal()
        process.end()


def test_each_way_of_saying_who_calls_works(production: Production) -> None:
    """By token, by certificate and by signed token; the founding case is answered."""
    case = load(CASE)
    for client in (production.client(token=TOKEN), production.client("kernels")):
        with client:
            assert client.check(case.problem, case.claim).verdict is gp.Verdict.DISAGREES
    with production.client(token=signed("ci")) as client:
        assert client.catalog().layers
        with pytest.raises(gp.PermissionDeniedError, match="by-signature may not call CheckGradients"):
            client.check(case.problem, case.claim)
    with production.client(token=signed("stranger")) as client, pytest.raises(gp.PermissionDeniedError):
        client.catalog()
    with production.client() as client, pytest.raises(gp.PermissionDeniedError):
        client.catalog()


def test_the_command_line_has_a_certificate_too(
    production: Production, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --ca, --certificate and --key it is the caller of the certificate; one of the last two alone is refused."""
    certificate, key = production.authority.issue("kernels").write(tmp_path, "client")
    (tmp_path / "ca.pem").write_bytes(production.root)
    options = ["--target", f"localhost:{production.port}", "--ca", str(tmp_path / "ca.pem")]
    assert run(["catalog", "Linear", *options, "--certificate", str(certificate), "--key", str(key)]) == 0
    assert "in_features" in capsys.readouterr().out
    assert run(["catalog", "Linear", *options, "--key", str(key)]) == 2
    assert "--certificate and --key: give both or none" in capsys.readouterr().err


def test_a_caller_has_no_more_than_its_quota(production: Production) -> None:
    """While one call of a caller runs its next one is refused, and that of another is not."""
    long = _long_request().SerializeToString()
    metadata = (("authorization", f"Bearer {TOKEN}"),)
    with production.channel() as channel, production.channel("kernels") as other:
        compute = channel.unary_unary(METHOD + "ComputeGradients")
        first = compute.future(long, metadata=metadata)
        catalog = channel.unary_unary(METHOD + "ListCatalog")
        while (refused := catalog.future(b"", metadata=metadata)).code() is grpc.StatusCode.OK:
            if first.done():  # it came while the other one had the only place
                first = compute.future(long, metadata=metadata)
        assert refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "of this caller" in refused.details()
        waiting = other.unary_unary(METHOD + "ListCatalog").future(b"")
        first.cancel()
        assert waiting.result()


def test_nothing_but_health_is_there_for_others(production: Production) -> None:
    """No reflection, even for a caller; health for probes needs neither certificate nor token."""
    metadata = (("authorization", f"Bearer {TOKEN}"),)
    with production.channel() as channel:
        reflection = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo
        stream = reflection(iter([reflection_pb2.ServerReflectionRequest(list_services="*")]), metadata=metadata)
        assert stream.code() is grpc.StatusCode.UNIMPLEMENTED
    with grpc.insecure_channel(f"127.0.0.1:{production.health_port}") as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_a_token_is_replaced_at_sighup_and_no_token_is_logged(production: Production) -> None:
    """The new one is taken, the old one is not, and the whole log has neither."""
    (production.folder / "callers.toml").write_text(callers_file("a-new-token"))
    production.process.signal(signal.SIGHUP)
    while production.process.wait_for("files were read again")["files"] != "callers":
        pass
    with production.client(token="a-new-token") as client:
        assert client.catalog().layers
    with production.client(token=TOKEN) as client, pytest.raises(gp.UnauthenticatedError):
        client.catalog()
    production.process.signal()
    production.process.end()
    log = json.dumps(production.process.lines)
    assert '"caller": "by-signature"' in log
    assert [secret for secret in (TOKEN, "a-new-token", "eyJ", "PRIVATE KEY") if secret in log] == []


def _long_request() -> gradient_service_pb2.ComputeGradientsRequest:
    request = gradient_service_pb2.ComputeGradientsRequest(include=[tensor_pb2.QUANTITY_LOSS])
    layer = request.problem.network.nodes.add().layer.linear
    layer.in_features = layer.out_features = 1000
    layer.bias = False
    square = tensor_pb2.Tensor(dtype=tensor_pb2.DTYPE_FLOAT32, shape=[1000, 1000], data=bytes(4_000_000))
    request.problem.parameters["0.weight"].CopyFrom(square)
    request.problem.inputs["input"].CopyFrom(square)
    request.problem.targets["target"].CopyFrom(square)
    request.problem.loss.mse_loss.SetInParent()
    request.problem.optimizer.sgd.lr = 0.1
    for _ in range(1000):
        request.problem.steps.add()
    return request
