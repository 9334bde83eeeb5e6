// A layer norm's derivative held against numerical differentiation by a server:
//   layer-norm HOST:PORT [right|without-mean|doubled|wrong-element] [float64|float32] [vjp|gradient]
// Exit status: 0 agrees, 1 disagrees, 3 inconclusive, 2 the check could not be made.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iomanip>
#include <iostream>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "check_function.h"
#include "layer_norm.h"

namespace {

using check_function::Array;
using check_function::Arrays;
using layer_norm::Backward;
namespace v1 = gradproof::v1;

constexpr std::int64_t kRows = 3;
constexpr std::int64_t kWidth = 5;
constexpr int kFailed = 2;

const std::map<std::string, Backward> kBackwards{{"right", Backward::kRight},
                                                 {"without-mean", Backward::kWithoutMean},
                                                 {"doubled", Backward::kDoubled},
                                                 {"wrong-element", Backward::kWrongElement}};
const std::map<v1::Verdict, int> kStatus{
    {v1::VERDICT_AGREES, 0}, {v1::VERDICT_DISAGREES, 1}, {v1::VERDICT_INCONCLUSIVE, 3}};

// Numbers without a pattern that a mistake could hide in: sin(first), sin(first + 1), ...
template <typename T>
Array<T> sines(std::vector<std::int64_t> shape, int first) {
  std::int64_t size = 1;
  for (const std::int64_t n : shape) size *= n;
  Array<T> array{std::move(shape), {}};
  for (std::int64_t i = 0; i < size; ++i) array.values.push_back(static_cast<T>(std::sin(double(first + i))));
  return array;
}

// Σ c·y, the scalar of which the product with the cotangent c is the gradient.
template <typename T>
Array<T> loss(const Arrays<T>& point, const Array<T>& cotangent) {
  const Array<T> y = layer_norm::forward(point);
  T total = 0;
  for (std::size_t i = 0; i < y.values.size(); ++i) total += cotangent.values[i] * y.values[i];
  return {{}, {total}};
}

template <typename T>
v1::WitnessReport check(const std::string& target, Backward backward, const std::string& kind) {
  const Arrays<T> point{{"x", sines<T>({kRows, kWidth}, 1)},
                        {"gamma", sines<T>({kWidth}, 20)},
                        {"beta", sines<T>({kWidth}, 30)}};
  const Array<T> cotangent = sines<T>({kRows, kWidth}, 50);
  const Arrays<T> result = layer_norm::backward(point, cotangent, backward);
  const auto check_claim = [&](const auto& function, const auto& derivative) {
    return check_function::check<T>(target, {point, function(point), derivative}, function);
  };
  if (kind == "vjp") {
    return check_claim(layer_norm::forward<T>, check_function::VectorJacobian<T>{cotangent, result});
  }
  if (kind == "gradient") {
    return check_claim([&](const Arrays<T>& x) { return loss(x, cotangent); }, check_function::Gradient<T>{result});
  }
  throw std::invalid_argument(kind + " is none of vjp, gradient");
}

v1::WitnessReport check(const std::vector<std::string>& arguments) {
  const auto argument = [&](std::size_t i, const char* otherwise) {
    return i < arguments.size() ? arguments[i] : otherwise;
  };
  if (arguments.empty()) throw std::invalid_argument("the first argument must be the server, HOST:PORT");
  const auto backward = kBackwards.find(argument(1, "right"));
  if (backward == kBackwards.end()) {
    throw std::invalid_argument(arguments[1] + " is none of right, without-mean, doubled, wrong-element");
  }
  const std::string dtype = argument(2, "float64");
  const std::string kind = argument(3, "vjp");
  if (dtype == "float64") return check<double>(arguments[0], backward->second, kind);
  if (dtype == "float32") return check<float>(arguments[0], backward->second, kind);
  throw std::invalid_argument(dtype + " is none of float64, float32");
}

std::string word(v1::Verdict verdict) { return v1::Verdict_Name(verdict).substr(sizeof("VERDICT_") - 1); }

std::string position(const v1::WitnessedValue& value) {
  if (value.direction() != 0) return "direction " + std::to_string(value.direction());
  std::string text;
  for (const std::int64_t i : value.index()) text += (text.empty() ? "" : ", ") + std::to_string(i);
  return "[" + text + "]";
}

void print(const v1::WitnessReport& report) {
  constexpr int kDigits = std::numeric_limits<double>::max_digits10;
  std::cout << word(report.verdict()) << ": " << report.summary() << '\n';
  for (const v1::TensorWitness& tensor : report.tensors()) {
    for (const v1::Judgement& judgement : tensor.judgements()) {
      const v1::WitnessedValue& worst = judgement.worst();
      std::cout << tensor.id().name() << ' ' << word(judgement.verdict()) << ", worst at " << position(worst)
                << std::setprecision(kDigits) << ": claimed " << worst.stated() << ", numeric " << worst.numeric()
                << std::setprecision(2) << " ± " << worst.bar() << '\n';
      if (!judgement.explanation().empty()) std::cout << "  " << judgement.explanation() << '\n';
    }
    if (!tensor.note().empty()) std::cout << "  " << tensor.note() << '\n';
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const v1::WitnessReport report = check({argv + 1, argv + argc});
    print(report);
    return kStatus.at(report.verdict());
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return kFailed;
  }
}
