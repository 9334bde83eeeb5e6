// A layer norm over the last dimension, written by hand, with the right derivative and three wrong ones.
// x, y and cotangents are [rows, width], gamma and beta [width]. All arithmetic is done in T.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "check_function.h"

namespace layer_norm {

using check_function::Array;
using check_function::Arrays;

constexpr double kEpsilon = 1e-5;

template <typename T>
T mean(const std::vector<T>& values) {
  T total = 0;
  for (const T value : values) total += value;
  return total / static_cast<T>(values.size());
}

// Row i of an array [rows, width].
template <typename T>
std::vector<T> row_of(const Array<T>& array, std::size_t i) {
  const auto begin = array.values.begin() + i * array.shape[1];
  return {begin, begin + array.shape[1]};
}

template <typename T>
struct Normal {
  std::vector<T> values;  // (x - mean) / σ
  T inverse;              // 1 / σ, σ² = mean((x - mean)²) + ε
};

template <typename T>
Normal<T> normalize(std::vector<T> row) {
  const T centre = mean(row);
  std::vector<T> squares;
  for (T& x : row) {
    x -= centre;
    squares.push_back(x * x);
  }
  const T inverse = 1 / std::sqrt(mean(squares) + static_cast<T>(kEpsilon));
  for (T& x : row) x *= inverse;
  return {std::move(row), inverse};
}

// y = x̂·γ + β, x̂ the normalized x.
template <typename T>
Array<T> forward(const Arrays<T>& point) {
  const Array<T>& x = point.at("x");
  const std::vector<T>& gamma = point.at("gamma").values;
  const std::vector<T>& beta = point.at("beta").values;
  Array<T> y{x.shape, {}};
  for (std::int64_t i = 0; i < x.shape[0]; ++i) {
    const Normal<T> normal = normalize(row_of(x, i));
    for (std::size_t j = 0; j < gamma.size(); ++j) y.values.push_back(normal.values[j] * gamma[j] + beta[j]);
  }
  return y;
}

enum class Backward { kRight, kWithoutMean, kDoubled, kWrongElement };

// One row of dx = (g - mean(g) - x̂·mean(g·x̂)) / σ, with g = c·γ for a cotangent c of y.
template <typename T>
void append_dx(const Normal<T>& normal, const std::vector<T>& g, bool with_mean, std::vector<T>& dx) {
  std::vector<T> products;
  for (std::size_t j = 0; j < g.size(); ++j) products.push_back(g[j] * normal.values[j]);
  const T shift = with_mean ? mean(g) : 0;
  const T projection = mean(products);
  for (std::size_t j = 0; j < g.size(); ++j) {
    dx.push_back((g[j] - shift - normal.values[j] * projection) * normal.inverse);
  }
}

// dx as above, dγ = Σ c·x̂ and dβ = Σ c over the rows; wrong as it is told to be.
template <typename T>
Arrays<T> backward(const Arrays<T>& point, const Array<T>& cotangent, Backward kind) {
  const Array<T>& x = point.at("x");
  const Array<T>& gamma = point.at("gamma");
  Array<T> dx{x.shape, {}};
  Array<T> dgamma{gamma.shape, std::vector<T>(gamma.values.size())};
  Array<T> dbeta = dgamma;
  for (std::int64_t i = 0; i < x.shape[0]; ++i) {
    const Normal<T> normal = normalize(row_of(x, i));
    std::vector<T> g = row_of(cotangent, i);
    for (std::size_t j = 0; j < g.size(); ++j) {
      dgamma.values[j] += g[j] * normal.values[j];
      dbeta.values[j] += g[j];
      g[j] *= gamma.values[j];
    }
    append_dx(normal, g, kind != Backward::kWithoutMean, dx.values);
  }
  if (kind == Backward::kWrongElement) dx.values[1 * x.shape[1] + 2] *= static_cast<T>(1.01);
  Arrays<T> result{{"x", dx}, {"gamma", dgamma}, {"beta", dbeta}};
  if (kind == Backward::kDoubled) {
    for (auto& [name, array] : result) {
      for (T& value : array.values) value *= 2;
    }
  }
  return result;
}

}  // namespace layer_norm
