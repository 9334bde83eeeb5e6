// The caller's side of GradientService.CheckFunction: the server asks for values of a function that only this process
// can evaluate, and holds the claimed derivative against numerical differentiation.
// An array is {shape, values}: values is a Float64Array or Float32Array, row-major; a scalar has the shape [].
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";

const PROTOS = fileURLToPath(new URL("../../protos", import.meta.url));
const DEADLINE_SECONDS = 120;
const ARRAY_TYPES = { DTYPE_FLOAT64: Float64Array, DTYPE_FLOAT32: Float32Array };

const definition = protoLoader.loadSync("gradproof/v1/gradient_service.proto", {
  includeDirs: [PROTOS],
  keepCase: true,
  longs: Number,
  enums: String,
  defaults: true,
});
const { GradientService } = grpc.loadPackageDefinition(definition).gradproof.v1;

const mapValues = (object, f) => Object.fromEntries(Object.entries(object).map(([name, value]) => [name, f(value)]));

// A view of the values' bytes: typed arrays are little-endian, as the contract is, on all machines that Node runs on
// but s390x.
const arrayToTensor = ({ shape, values }) => ({
  dtype: Object.keys(ARRAY_TYPES).find((dtype) => values instanceof ARRAY_TYPES[dtype]),
  shape,
  data: Buffer.from(values.buffer, values.byteOffset, values.byteLength),
});

const tensorToArray = ({ dtype, shape, data }) => {
  const bytes = new Uint8Array(data); // a copy, because a view of doubles must begin at a multiple of eight
  return { shape, values: new ARRAY_TYPES[dtype](bytes.buffer) };
};

const claimToMessage = ({ point, output, gradient, vjp }) => ({
  point: mapValues(point, arrayToTensor),
  output: arrayToTensor(output),
  ...(gradient && { gradient: { tensors: mapValues(gradient, arrayToTensor) } }),
  ...(vjp && {
    vjp: { cotangent: arrayToTensor(vjp.cotangent), result: { tensors: mapValues(vjp.result, arrayToTensor) } },
  }),
});

// One point of a batch of arrays, each of shape [points, ...shape].
const pointAt = (batch, position) =>
  mapValues(batch, ({ shape: [points, ...shape], values }) => {
    const size = values.length / points;
    return { shape, values: values.subarray(position * size, (position + 1) * size) };
  });

// The answer to a PointBatch: f at each of its points, one after the other.
const evaluate = (f, { batch, points, tensors }, output) => {
  const arrays = mapValues(tensors, tensorToArray);
  const size = output.values.length;
  const values = new output.values.constructor(points * size);
  for (let position = 0; position < points; position++) {
    values.set(f(pointAt(arrays, position)).values, position * size);
  }
  return { batch, values: arrayToTensor({ shape: [points, ...output.shape], values }) };
};

/**
 * Holds a claimed derivative of f against numerical differentiation, and gives the WitnessReport.
 *
 * @param target the server, "host:port".
 * @param claim point: arrays by name, where the derivative was taken; output: the array f(point); and either
 *   gradient: arrays by name, shaped as the point, of a scalar f; or vjp: {cotangent, result}, an array shaped as the
 *   output, and arrays by name, shaped as the point.
 * @param f takes arrays by name, as in claim.point, and gives an array as claim.output; NaN where it has no value.
 * @returns a promise; rejected with what f throws, or with the server's error (code, details).
 */
export const checkFunction = (target, claim, f) =>
  new Promise((resolve, reject) => {
    const client = new GradientService(target, grpc.credentials.createInsecure(), {
      "grpc.max_receive_message_length": -1, // a full batch is a little above grpc-js's 4 MiB
    });
    const call = client.CheckFunction({ deadline: new Date(Date.now() + DEADLINE_SECONDS * 1000) });
    let report;
    call.on("data", (message) => {
      try {
        if (message.points) call.write({ values: evaluate(f, message.points, claim.output) });
      } catch (error) {
        reject(error);
        call.cancel();
      }
      if (message.report) {
        report = message.report;
        call.end();
      }
    });
    call.on("error", reject);
    call.on("status", () => {
      client.close();
      if (report) resolve(report);
      else reject(new Error("the stream ended without a report"));
    });
    call.write({ start: { claim: claimToMessage(claim) } });
  });
