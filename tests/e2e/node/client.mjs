// The founding case from Node, by nothing but the .proto files: node client.mjs HOST:PORT PROTOS_FOLDER
// Prints one JSON object: gradients and updated weights by parameter, and what the check of the author's claim said.
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";

const [address, protos] = process.argv.slice(2);
const definition = protoLoader.loadSync("gradproof/v1/gradient_service.proto", {
  includeDirs: [protos],
  keepCase: true,
  longs: Number,
  enums: String,
  defaults: true,
});
const { GradientService } = grpc.loadPackageDefinition(definition).gradproof.v1;
const client = new GradientService(address, grpc.credentials.createInsecure());

const tensor = (shape, numbers) => ({
  dtype: "DTYPE_FLOAT64",
  shape,
  data: Buffer.from(Float64Array.from(numbers).buffer),
});

const numbers = ({ data }) => {
  const bytes = new Uint8Array(data); // a copy, because a view of doubles must begin at a multiple of eight
  return [...new Float64Array(bytes.buffer)];
};

const linear = (in_features, out_features) => ({ layer: { linear: { in_features, out_features, bias: false } } });

const problem = {
  network: { nodes: [linear(2, 2), linear(2, 1)] },
  parameters: {
    "0.weight": tensor([2, 2], [0.11, 0.21, 0.12, 0.08]),
    "1.weight": tensor([1, 2], [0.14, 0.15]),
  },
  inputs: { input: tensor([2], [2, 3]) },
  targets: { target: tensor([1], [1]) },
  loss: { l1_loss: {} },
  optimizer: { sgd: { lr: 0.05 } },
};

const claim = {
  tensors: [
    {
      id: { quantity: "QUANTITY_UPDATED", name: "1.weight" },
      value: tensor([1, 2], [0.174, 0.169]),
      precision: { decimals: { digits: 3 } },
    },
  ],
};

const call = (method, request) =>
  new Promise((resolve, reject) => {
    const deadline = new Date(Date.now() + 60_000);
    client[method](request, { deadline }, (error, response) => (error ? reject(error) : resolve(response)));
  });

const byName = (tensors, quantity) =>
  Object.fromEntries(tensors.filter(({ id }) => id.quantity === quantity).map(({ id, value }) => [id.name, numbers(value)]));

const { reference } = await call("ComputeGradients", { problem });
const check = await call("CheckGradients", { problem, claim });
const refused = await call("CheckGradients", { problem }).catch((error) => error);
client.close();

console.log(
  JSON.stringify({
    gradients: byName(reference.tensors, "QUANTITY_GRADIENT"),
    updated: byName(reference.tensors, "QUANTITY_UPDATED"),
    verdict: check.verdict,
    comparisons: check.comparisons.map(({ verdict, disagreeing, worst }) => ({ verdict, disagreeing, worst })),
    titles: check.diagnosis.findings.map(({ title }) => title),
    refused: { code: refused.code, message: refused.details },
  }),
);
