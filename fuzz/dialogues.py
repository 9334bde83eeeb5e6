"""Several messages in one: what a party of a stream says, one message after the other."""

from __future__ import annotations

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from gradproof.v1 import gradient_service_pb2

_PACKAGE = "gradproof.fuzz"


def _dialogue(of: Descriptor) -> type[Message]:
    """A message of any number of messages of one type, in the field `messages`."""
    name = f"Many{of.name}"
    file = descriptor_pb2.FileDescriptorProto(
        name=f"gradproof/fuzz/{name}.proto", package=_PACKAGE, syntax="proto3", dependency=[of.file.name]
    )
    kind = descriptor_pb2.FieldDescriptorProto
    file.message_type.add(name=name).field.add(
        name="messages", number=1, type=kind.TYPE_MESSAGE, label=kind.LABEL_REPEATED, type_name=f".{of.full_name}"
    )
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))


FunctionRequests = _dialogue(gradient_service_pb2.CheckFunctionRequest.DESCRIPTOR)
FunctionResponses = _dialogue(gradient_service_pb2.CheckFunctionResponse.DESCRIPTOR)
VerifyResponses = _dialogue(gradient_service_pb2.VerifyGradientsResponse.DESCRIPTOR)
