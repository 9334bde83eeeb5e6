// The caller's side of GradientService.CheckFunction: the server asks for values of a function that only this process
// can evaluate, and holds the claimed derivative against numerical differentiation.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "gradproof/v1/gradient_service.grpc.pb.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Tensor.data is little-endian; swap bytes in to_tensor and to_array"
#endif

namespace check_function {

namespace v1 = gradproof::v1;

constexpr std::chrono::seconds kDeadline{120};

// A dense array of double or float, row-major; a scalar has an empty shape.
template <typename T>
struct Array {
  std::vector<std::int64_t> shape;
  std::vector<T> values;
};

template <typename T>
using Arrays = std::map<std::string, Array<T>>;

// Gradient of a scalar function: one array per array of the point, of its shape.
template <typename T>
struct Gradient {
  Arrays<T> result;
};

// A cotangent, shaped as the output, and its product with the Jacobian: one array per array of the point.
template <typename T>
struct VectorJacobian {
  Array<T> cotangent;
  Arrays<T> result;
};

// A derivative that was taken at a point, with the function's output there.
template <typename T>
struct Claim {
  Arrays<T> point;
  Array<T> output;
  std::variant<Gradient<T>, VectorJacobian<T>> derivative;
};

inline v1::Dtype dtype_of(double) { return v1::DTYPE_FLOAT64; }
inline v1::Dtype dtype_of(float) { return v1::DTYPE_FLOAT32; }

template <typename T>
v1::Tensor to_tensor(const Array<T>& array) {
  v1::Tensor tensor;
  tensor.set_dtype(dtype_of(T{}));
  tensor.mutable_shape()->Add(array.shape.begin(), array.shape.end());
  tensor.set_data(array.values.data(), array.values.size() * sizeof(T));
  return tensor;
}

template <typename T>
void set_tensors(const Arrays<T>& arrays, google::protobuf::Map<std::string, v1::Tensor>* tensors) {
  for (const auto& [name, array] : arrays) (*tensors)[name] = to_tensor(array);
}

template <typename T>
void set_derivative(const Gradient<T>& gradient, v1::FunctionClaim* claim) {
  set_tensors(gradient.result, claim->mutable_gradient()->mutable_tensors());
}

template <typename T>
void set_derivative(const VectorJacobian<T>& vjp, v1::FunctionClaim* claim) {
  *claim->mutable_vjp()->mutable_cotangent() = to_tensor(vjp.cotangent);
  set_tensors(vjp.result, claim->mutable_vjp()->mutable_result()->mutable_tensors());
}

template <typename T>
v1::CheckFunctionRequest to_start(const Claim<T>& claim) {
  v1::CheckFunctionRequest request;
  v1::FunctionClaim* message = request.mutable_start()->mutable_claim();
  set_tensors(claim.point, message->mutable_point());
  *message->mutable_output() = to_tensor(claim.output);
  std::visit([message](const auto& derivative) { set_derivative(derivative, message); }, claim.derivative);
  return request;
}

// One array of a batch, of shape [points, ...shape]: the one at a position.
template <typename T>
Array<T> array_at(const v1::Tensor& batch, std::uint64_t position) {
  Array<T> array{{batch.shape().begin() + 1, batch.shape().end()}, {}};
  const std::size_t bytes = batch.data().size() / batch.shape(0);
  array.values.resize(bytes / sizeof(T));
  std::memcpy(array.values.data(), batch.data().data() + position * bytes, bytes);
  return array;
}

// The answer to a batch: the function at each of its points, one after the other.
template <typename T, typename Function>
v1::CheckFunctionRequest evaluate(const v1::PointBatch& batch, const Array<T>& output, const Function& function) {
  Array<T> values{output.shape, {}};
  values.shape.insert(values.shape.begin(), batch.points());
  values.values.reserve(batch.points() * output.values.size());
  for (std::uint64_t position = 0; position < batch.points(); ++position) {
    Arrays<T> point;
    for (const auto& [name, tensor] : batch.tensors()) point[name] = array_at<T>(tensor, position);
    const Array<T> value = function(point);
    values.values.insert(values.values.end(), value.values.begin(), value.values.end());
  }
  v1::CheckFunctionRequest request;
  request.mutable_values()->set_batch(batch.batch());
  *request.mutable_values()->mutable_values() = to_tensor(values);
  return request;
}

// Holds a claimed derivative of a function against numerical differentiation.
// target: the server, "host:port". function: Arrays<T> as claim.point -> Array<T> as claim.output, NaN where it has no
// value; what it throws ends the call. Throws std::runtime_error with the server's code and message.
template <typename T, typename Function>
v1::WitnessReport check(const std::string& target, const Claim<T>& claim, const Function& function) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);  // a full batch is a little above gRPC's 4 MiB
  const auto stub = v1::GradientService::NewStub(
      grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kDeadline);
  const auto stream = stub->CheckFunction(&context);
  stream->Write(to_start(claim));
  v1::CheckFunctionResponse response;
  std::optional<v1::WitnessReport> report;
  while (stream->Read(&response)) {
    if (response.has_points()) stream->Write(evaluate(response.points(), claim.output, function));
    if (response.has_report()) {
      report = std::move(*response.mutable_report());
      stream->WritesDone();
    }
  }
  const grpc::Status status = stream->Finish();
  if (!status.ok()) {
    throw std::runtime_error("status " + std::to_string(status.error_code()) + ": " + status.error_message());
  }
  if (!report) throw std::runtime_error("the stream ended without a report");
  return *std::move(report);
}

}  // namespace check_function
