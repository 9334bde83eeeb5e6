// A layer norm written by hand, and its derivative held against numerical differentiation by a server:
//   node layer-norm.mjs HOST:PORT [right|without-mean|doubled|wrong-element] [float64|float32] [vjp|gradient]
// Exit status: 0 agrees, 1 disagrees, 3 inconclusive, 2 the check could not be made.
import { checkFunction } from "./check-function.mjs";

const ROWS = 3;
const WIDTH = 5;
const EPSILON = 1e-5;
const STATUS = { AGREES: 0, DISAGREES: 1, INCONCLUSIVE: 3 };
const FAILED = 2;
const TYPES = { float64: Float64Array, float32: Float32Array };

const sum = (values) => values.reduce((total, value) => total + value, 0);
const mean = (values) => sum(values) / values.length;
const rowsOf = ({ shape: [rows, width], values }) =>
  Array.from({ length: rows }, (_, row) => values.subarray(row * width, (row + 1) * width));
const zerosLike = ({ shape, values }) => ({ shape, values: new values.constructor(values.length) });

// x̂ = (x - mean) / σ, with 1/σ. Sums are taken in double, arrays are kept in their own type.
const normalize = (row) => {
  const centre = mean(row);
  const inverse = 1 / Math.sqrt(mean(row.map((x) => (x - centre) ** 2)) + EPSILON);
  return { inverse, normal: row.map((x) => (x - centre) * inverse) };
};

// y = x̂·γ + β over the last dimension; x and y [rows, width], gamma and beta [width].
const layerNorm = ({ x, gamma, beta }) => {
  const y = zerosLike(x);
  const outputs = rowsOf(y);
  rowsOf(x).forEach((row, i) => {
    const { normal } = normalize(row);
    outputs[i].set(normal.map((value, j) => value * gamma.values[j] + beta.values[j]));
  });
  return y;
};

// With g = c·γ for a cotangent c of y:
//   dx = (g - mean(g) - x̂·mean(g·x̂)) / σ,  dγ = Σ c·x̂,  dβ = Σ c  (sums over rows, means over the last dimension).
// meanOfG stands for mean(g), so that it can be left out.
const layerNormBackward = ({ x, gamma, beta }, cotangent, meanOfG = mean) => {
  const d = { x: zerosLike(x), gamma: zerosLike(gamma), beta: zerosLike(beta) };
  const rowsOfDx = rowsOf(d.x);
  const cotangents = rowsOf(cotangent);
  rowsOf(x).forEach((row, i) => {
    const { inverse, normal } = normalize(row);
    const c = cotangents[i];
    const g = c.map((value, j) => value * gamma.values[j]);
    const projection = mean(g.map((value, j) => value * normal[j]));
    const shift = meanOfG(g);
    rowsOfDx[i].set(g.map((value, j) => (value - shift - normal[j] * projection) * inverse));
    c.forEach((value, j) => {
      d.gamma.values[j] += value * normal[j];
      d.beta.values[j] += value;
    });
  });
  return d;
};

// The right derivative, and three wrong ones.
const BACKWARDS = {
  right: layerNormBackward,
  "without-mean": (point, cotangent) => layerNormBackward(point, cotangent, () => 0),
  doubled: (point, cotangent) => {
    const d = layerNormBackward(point, cotangent);
    for (const { values } of Object.values(d)) values.set(values.map((value) => 2 * value));
    return d;
  },
  "wrong-element": (point, cotangent) => {
    const d = layerNormBackward(point, cotangent);
    d.x.values[1 * WIDTH + 2] *= 1.01;
    return d;
  },
};

// What is differentiated, and how its derivative is claimed: y itself with a cotangent, or the scalar Σ c·y.
const CLAIMS = {
  vjp: (cotangent) => ({ f: layerNorm, derivative: (result) => ({ vjp: { cotangent, result } }) }),
  gradient: (cotangent) => ({
    f: (point) => {
      const { values } = layerNorm(point);
      return { shape: [], values: values.constructor.of(sum(values.map((y, i) => y * cotangent.values[i]))) };
    },
    derivative: (gradient) => ({ gradient }),
  }),
};

// An array of numbers without a pattern that a mistake could hide in: sin(first), sin(first + 1), ...
const sines = (ArrayType, shape, first) => ({
  shape,
  values: ArrayType.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(first + i)),
});

const position = ({ index, direction }) => (direction ? `direction ${direction}` : `[${index.join(", ")}]`);
const word = (verdict) => verdict.replace("VERDICT_", "");

const print = (report) => {
  console.log(`${word(report.verdict)}: ${report.summary}`);
  for (const { id, judgements, note } of report.tensors) {
    for (const { verdict, worst, explanation } of judgements) {
      const numbers = `claimed ${worst.stated}, numeric ${worst.numeric} ± ${worst.bar.toExponential(1)}`;
      console.log(`${id.name} ${word(verdict)}, worst at ${position(worst)}: ${numbers}`);
      if (explanation) console.log(`  ${explanation}`);
    }
    if (note) console.log(`  ${note}`);
  }
};

const choose = (choices, name) => {
  if (!Object.hasOwn(choices, name)) throw new Error(`${name} is none of ${Object.keys(choices).join(", ")}`);
  return choices[name];
};

const main = async (target, backward = "right", dtype = "float64", kind = "vjp") => {
  if (!target) throw new Error("the first argument must be the server, HOST:PORT");
  const ArrayType = choose(TYPES, dtype);
  const cotangent = sines(ArrayType, [ROWS, WIDTH], 50);
  const { f, derivative } = choose(CLAIMS, kind)(cotangent);
  const point = {
    x: sines(ArrayType, [ROWS, WIDTH], 1),
    gamma: sines(ArrayType, [WIDTH], 20),
    beta: sines(ArrayType, [WIDTH], 30),
  };
  const claimed = choose(BACKWARDS, backward)(point, cotangent);
  const report = await checkFunction(target, { point, output: f(point), ...derivative(claimed) }, f);
  print(report);
  return STATUS[word(report.verdict)] ?? FAILED;
};

process.exitCode = await main(...process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  return FAILED;
});
