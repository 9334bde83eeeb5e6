# Generated from layers.proto by protos/generate.py; do not edit.
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from gradproof.network import Node
from gradproof.tensors import ArrayLike
from gradproof.v1.losses_pb2 import Loss
from gradproof.v1.optimizers_pb2 import Optimizer
from gradproof.v1.schedules_pb2 import Schedule

__all__: list[str] = [
    "CELU", "ELU", "GELU", "GLU", "GRU", "LSTM", "RNN", "SELU", "AdaptiveAvgPool1d", "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AdaptiveMaxPool3d", "AlphaDropout", "AvgPool1d",
    "AvgPool2d", "AvgPool3d", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "Bilinear", "ChannelShuffle",
    "CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d", "ConstantPad2d", "ConstantPad3d", "Conv1d",
    "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "CosineSimilarity", "CrossMapLRN2d",
    "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "Embedding", "EmbeddingBag", "FeatureAlphaDropout", "Flatten",
    "Fold", "FractionalMaxPool2d", "FractionalMaxPool3d", "GRUCell", "GroupNorm", "Hardshrink", "Hardsigmoid",
    "Hardswish", "Hardtanh", "Identity", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d", "LPPool1d", "LPPool2d",
    "LPPool3d", "LSTMCell", "LayerNorm", "LeakyReLU", "Linear", "LocalResponseNorm", "LogSigmoid", "LogSoftmax",
    "MaxPool1d", "MaxPool2d", "MaxPool3d", "MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d", "Mish", "MultiheadAttention",
    "PReLU", "PairwiseDistance", "PixelShuffle", "PixelUnshuffle", "RMSNorm", "RNNCell", "RReLU", "ReLU", "ReLU6",
    "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d", "ReplicationPad3d",
    "SiLU", "Sigmoid", "Softmax", "Softmax2d", "Softmin", "Softplus", "Softshrink", "Softsign", "SyncBatchNorm", "Tanh",
    "Tanhshrink", "Threshold", "Transformer", "TransformerDecoder", "TransformerDecoderLayer", "TransformerEncoder",
    "TransformerEncoderLayer", "Unflatten", "Unfold", "Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d",
    "ZeroPad1d", "ZeroPad2d", "ZeroPad3d",
]

def CELU(
    alpha: float | None = None, inplace: bool | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """max(0, x) + min(0, alpha * (exp(x / alpha) - 1)), element by element.

    Args:
        alpha: Factor of the formula above. Default: 1.0.
        inplace: Accepted for convenience; has no effect on the numbers. Default: false.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def ELU(
    alpha: float | None = None, inplace: bool | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """x where x > 0, else alpha * (exp(x) - 1), element by element.

    Args:
        alpha: Factor of the formula above. Default: 1.0.
        inplace: Accepted for convenience; has no effect on the numbers. Default: false.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def GELU(
    approximate: Literal["none", "tanh"] | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """x * Phi(x) with the standard normal distribution function (erf), or its tanh approximation.

    Args:
        approximate: Which form of GELU is computed. Default: none.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def GLU(
    dim: int | None = None, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """a * sigmoid(b), with a and b the two halves of the input along dim.

    Args:
        dim: Dimension; a negative one counts from the end. Default: -1.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def GRU(
    input_size: int, hidden_size: int, num_layers: int | None = None, bias: bool | ArrayLike | None = None,
    batch_first: bool | None = None, dropout: float | None = None, bidirectional: bool | None = None, *,
    name: str | None = None, inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Gated recurrent layers: r, z = sigmoid(W x + b + U h + c), n = tanh(W x + b + r * (U h + c)), h' = (1 - z)
    * n + z * h. Inputs: x, optionally h0. Gates are stacked r, z, n.

    Args:
        input_size: Number of features of x, >= 1.
        hidden_size: Number of features of h, >= 1.
        num_layers: Number of stacked layers, >= 1. Default: 1.
        bias: Whether there is a learned bias. Default: true.
        batch_first: Whether x and the output are (N, T, features) instead of (T, N, features). Default: false.
        dropout: Probability of dropout between the layers, in [0, 1]. Default: 0.0.
        bidirectional: Whether a second direction runs backwards in time. Default: false.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def LSTM(
    input_size: int, hidden_size: int, num_layers: int | None = None, bias: bool | ArrayLike | None = None,
    batch_first: bool | None = None, dropout: float | None = None, bidirectional: bool | None = None,
    proj_size: int | None = None, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """Long short-term memory: i, f, o = sigmoid(W x + b + U h + c), g = tanh(W x + b + U h + c), c' = f * c + i
    * g, h' = o * tanh(c'). Inputs: x, optionally h0, c0. Gates are stacked i, f, g, o.

    Args:
        input_size: Number of features of x, >= 1.
        hidden_size: Number of features of h, >= 1.
        num_layers: Number of stacked layers, >= 1. Default: 1.
        bias: Whether there is a learned bias. Default: true.
        batch_first: Whether x and the output are (N, T, features) instead of (T, N, features). Default: false.
        dropout: Probability of dropout between the layers, in [0, 1]. Default: 0.0.
        bidirectional: Whether a second direction runs backwards in time. Default: false.
        proj_size: Size of a projection of h, 0 for none. Default: 0.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def RNN(
    input_size: int, hidden_size: int, num_layers: int | None = None,
    nonlinearity: Literal["tanh", "relu"] | None = None, bias: bool | ArrayLike | None = None,
    batch_first: bool | None = None, dropout: float | None = None, bidirectional: bool | None = None, *,
    name: str | None = None, inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Elman layers: h' = tanh (or relu) of W x + b + U h + c. Inputs: x, optionally h0 (num_layers * directions,
    N, hidden_size).

    Args:
        input_size: Number of features of x, >= 1.
        hidden_size: Number of features of h, >= 1.
        num_layers: Number of stacked layers, >= 1. Default: 1.
        nonlinearity: The activation. Default: tanh.
        bias: Whether there is a learned bias. Default: true.
        batch_first: Whether x and the output are (N, T, features) instead of (T, N, features). Default: false.
        dropout: Probability of dropout between the layers, in [0, 1]. Default: 0.0.
        bidirectional: Whether a second direction runs backwards in time. Default: false.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def SELU(
    inplace: bool | None = None, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """1.0507 * (max(0, x) + min(0, 1.6733 * (exp(x) - 1))), element by element.

    Args:
        inplace: Accepted for convenience; has no effect on the numbers. Default: false.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def AdaptiveAvgPool1d(
    output_size: int | Sequence[int | None], *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """Mean over bins chosen so that the output has the given length. (N, C, L) -> (N, C, output_size).

    Args:
        output_size: Size of the output, one value for all dimensions or one per dimension; -1 keeps the size of the
            input.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def AdaptiveAvgPool2d(
    output_size: int | Sequence[int | None], *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """Mean over bins chosen so that the output has the given size. (N, C, H, W) -> (N, C, *output_size).

    Args:
        output_size: Size of the output, one value for all dimensions or one per dimension; -1 keeps the size of the
            input.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def AdaptiveAvgPool3d(
    output_size: int | Sequence[int | None], *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """Mean over bins chosen so that the output has the given size. (N, C, D, H, W) -> (N, C, *output_size).

    Args:
        output_size: Size of the output, one value for all dimensions or one per dimension; -1 keeps the size of the
            input.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def AdaptiveMaxPool1d(
    output_size: int | Sequence[int | None], return_indices: bool | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Maximum over bins chosen so that the output has the given length. (N, C, L) -> (N, C, output_size).

    Args:
        output_size: Size of the output, one value for all dimensions or one per dimension; -1 keeps the size of the
            input.
        return_indices: Whether the positions of the maxima are the second output, `indices`. Default: false.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def AdaptiveMaxPool2d(
    output_size: int | Sequence[int | None], return_indices: bool | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Maximum over bins chosen so that the output has the given size. (N, C, H, W) -> (N, C, *output_size).

    Args:
        output_size: Size of the output, one value for all dimensions or one per dimension; -1 keeps the size of the
            input.
        return_indices: Whether the positions of the maxima are the second output, `indices`. Default: false.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def AdaptiveMaxPool3d(
    output_size: int | Sequence[int | None], return_indices: bool | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Maximum over bins chosen so that the output has the given size. (N, C, D, H, W) -> (N, C, *output_size).

    Args:
        output_size: Size of the output, one value for all dimensions or one per dimension; -1 keeps the size of the
            input.
        return_indices: Whether the positions of the maxima are the second output, `indices`. Default: false.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def AlphaDropout(
    p: float | None = None, inplace: bool | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Dropout that keeps the mean and variance of a self-normalising network; drops to -1.7581 and rescales.

    Args:
        p: Probability that an element is dropped, in [0, 1]. Default: 0.5.
        inplace: Accepted for convenience; has no effect on the numbers. Default: false.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def AvgPool1d(
    kernel_size: int | Sequence[int], stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] | None = None, ceil_mode: bool | None = None, count_include_pad: bool | None = None, *,
    name: str | None = None, inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Mean over a sliding window. (N, C, L) -> (N, C, L_out).

    Args:
        kernel_size: Size of the window, one value for all dimensions or one per dimension, >= 1.
        stride: Distance between windows, one value or one per dimension, >= 1. Default: kernel_size.
        padding: Zeros added at both ends, one value or one per dimension, >= 0. Default: 0.
        ceil_mode: Whether the output size is rounded up instead of down. Default: false.
        count_include_pad: Whether the padding counts in the mean. Default: true.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def AvgPool2d(
    kernel_size: int | Sequence[int], stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] | None = None, ceil_mode: bool | None = None, count_include_pad: bool | None = None,
    divisor_override: int | None = None, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """Mean over a sliding window. (N, C, H, W) -> (N, C, H_out, W_out).

    Args:
        kernel_size: Size of the window, one value for all dimensions or one per dimension, >= 1.
        stride: Distance between windows, one value or one per dimension, >= 1. Default: kernel_size.
        padding: Zeros added at both ends, one value or one per dimension, >= 0. Default: 0.
        ceil_mode: Whether the output size is rounded up instead of down. Default: false.
        count_include_pad: Whether the padding counts in the mean. Default: true.
        divisor_override: Divisor of the mean instead of the size of the window. Default: none.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def AvgPool3d(
    kernel_size: int | Sequence[int], stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] | None = None, ceil_mode: bool | None = None, count_include_pad: bool | None = None,
    divisor_override: int | None = None, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """Mean over a sliding window. (N, C, D, H, W) -> (N, C, D_out, H_out, W_out).

    Args:
        kernel_size: Size of the window, one value for all dimensions or one per dimension, >= 1.
        stride: Distance between windows, one value or one per dimension, >= 1. Default: kernel_size.
        padding: Zeros added at both ends, one value or one per dimension, >= 0. Default: 0.
        ceil_mode: Whether the output size is rounded up instead of down. Default: false.
        count_include_pad: Whether the padding counts in the mean. Default: true.
        divisor_override: Divisor of the mean instead of the size of the window. Default: none.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def BatchNorm1d(
    num_features: int, eps: float | None = None, momentum: float | None = 0.1, affine: bool | None = None,
    track_running_stats: bool | None = None, bias: bool | ArrayLike | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """y = (x - mean) / sqrt(var + eps) * weight + bias, with statistics per channel over the batch (train) or
    the running ones (eval). (N, C) or (N, C, L).

    Args:
        num_features: Number of channels, >= 1.
        eps: Small number that keeps a denominator from zero, > 0. Default: 1e-05.
        momentum: Weight of the new value in the running average, in [0, 1]. Default: 0.1.
        affine: Whether each channel has a learned weight and bias. Default: true.
        track_running_stats: Whether running statistics are kept as buffers and used in eval mode. Default: true.
        bias: Whether there is a learned bias beside the weight. Default: true.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def BatchNorm2d(
    num_features: int, eps: float | None = None, momentum: float | None = 0.1, affine: bool | None = None,
    track_running_stats: bool | None = None, bias: bool | ArrayLike | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """y = (x - mean) / sqrt(var + eps) * weight + bias, with statistics per channel over the batch (train) or
    the running ones (eval). (N, C, H, W).

    Args:
        num_features: Number of channels, >= 1.
        eps: Small number that keeps a denominator from zero, > 0. Default: 1e-05.
        momentum: Weight of the new value in the running average, in [0, 1]. Default: 0.1.
        affine: Whether each channel has a learned weight and bias. Default: true.
        track_running_stats: Whether running statistics are kept as buffers and used in eval mode. Default: true.
        bias: Whether there is a learned bias beside the weight. Default: true.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def BatchNorm3d(
    num_features: int, eps: float | None = None, momentum: float | None = 0.1, affine: bool | None = None,
    track_running_stats: bool | None = None, bias: bool | ArrayLike | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """y = (x - mean) / sqrt(var + eps) * weight + bias, with statistics per channel over the batch (train) or
    the running ones (eval). (N, C, D, H, W).

    Args:
        num_features: Number of channels, >= 1.
        eps: Small number that keeps a denominator from zero, > 0. Default: 1e-05.
        momentum: Weight of the new value in the running average, in [0, 1]. Default: 0.1.
        affine: Whether each channel has a learned weight and bias. Default: true.
        track_running_stats: Whether running statistics are kept as buffers and used in eval mode. Default: true.
        bias: Whether there is a learned bias beside the weight. Default: true.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def Bilinear(
    in1_features: int, in2_features: int, out_features: int, bias: bool | ArrayLike | None = None, *,
    name: str | None = None, inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """y_k = x1^T W_k x2 + b_k. Two inputs: (N, in1_features), (N, in2_features) -> (N, out_features).

    Args:
        in1_features: Size of the first input, >= 1.
        in2_features: Size of the second input, >= 1.
        out_features: Size of the output, >= 1.
        bias: Whether there is a learned bias. Default: true.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def ChannelShuffle(
    groups: int, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """Interleaves the channels of the groups. (N, C, ...) -> (N, C, ...).

    Args:
        groups: Number of groups; divides the number of channels.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def CircularPad1d(
    padding: int | Sequence[int], *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """Pads the last dimension with values from the other end.

    Args:
        padding: Elements added: one value for all sides, or two per dimension, (left, right, top, bottom, front, back).
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def CircularPad2d(
    padding: int | Sequence[int], *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """Pads the last two dimensions with values from the other end.

    Args:
        padding: Elements added: one value for all sides, or two per dimension, (left, right, top, bottom, front, back).
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def CircularPad3d(
    padding: int | Sequence[int], *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """Pads the last three dimensions with values from the other end.

    Args:
        padding: Elements added: one value for all sides, or two per dimension, (left, right, top, bottom, front, back).
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def ConstantPad1d(
    padding: int | Sequence[int], value: float, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """Pads the last dimension with a constant.

    Args:
        padding: Elements added: one value for all sides, or two per dimension, (left, right, top, bottom, front, back).
        value: The constant.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def ConstantPad2d(
    padding: int | Sequence[int], value: float, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """Pads the last two dimensions with a constant.

    Args:
        padding: Elements added: one value for all sides, or two per dimension, (left, right, top, bottom, front, back).
        value: The constant.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def ConstantPad3d(
    padding: int | Sequence[int], value: float, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """Pads the last three dimensions with a constant.

    Args:
        padding: Elements added: one value for all sides, or two per dimension, (left, right, top, bottom, front, back).
        value: The constant.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def Conv1d(
    in_channels: int, out_channels: int, kernel_size: int | Sequence[int], stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] | Literal["valid", "same"] | None = None, dilation: int | Sequence[int] | None = None,
    groups: int | None = None, bias: bool | ArrayLike | None = None,
    padding_mode: Literal["zeros", "reflect", "replicate", "circular"] | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Cross-correlation with learned kernels, weight (out_channels, in_channels / groups, k). (N, C, L) -> (N,
    out_channels, L_out).

    Args:
        in_channels: Number of input channels, >= 1.
        out_channels: Number of output channels, >= 1.
        kernel_size: Size of the window, one value for all dimensions or one per dimension, >= 1.
        stride: Distance between windows, one value or one per dimension, >= 1. Default: 1.
        padding: Zeros added at both ends, one value or one per dimension, >= 0. Default: 0.
        dilation: Distance between the elements of a window, one value or one per dimension, >= 1. Default: 1.
        groups: Number of groups; divides the number of channels. Default: 1.
        bias: Whether there is a learned bias. Default: true.
        padding_mode: What the padding is filled with. Default: zeros.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def Conv2d(
    in_channels: int, out_channels: int, kernel_size: int | Sequence[int], stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] | Literal["valid", "same"] | None = None, dilation: int | Sequence[int] | None = None,
    groups: int | None = None, bias: bool | ArrayLike | None = None,
    padding_mode: Literal["zeros", "reflect", "replicate", "circular"] | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Cross-correlation with learned kernels, weight (out_channels, in_channels / groups, kH, kW). (N, C, H, W)
    -> (N, out_channels, H_out, W_out).

    Args:
        in_channels: Number of input channels, >= 1.
        out_channels: Number of output channels, >= 1.
        kernel_size: Size of the window, one value for all dimensions or one per dimension, >= 1.
        stride: Distance between windows, one value or one per dimension, >= 1. Default: 1.
        padding: Zeros added at both ends, one value or one per dimension, >= 0. Default: 0.
        dilation: Distance between the elements of a window, one value or one per dimension, >= 1. Default: 1.
        groups: Number of groups; divides the number of channels. Default: 1.
        bias: Whether there is a learned bias. Default: true.
        padding_mode: What the padding is filled with. Default: zeros.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def Conv3d(
    in_channels: int, out_channels: int, kernel_size: int | Sequence[int], stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] | Literal["valid", "same"] | None = None, dilation: int | Sequence[int] | None = None,
    groups: int | None = None, bias: bool | ArrayLike | None = None,
    padding_mode: Literal["zeros", "reflect", "replicate", "circular"] | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Cross-correlation with learned kernels, weight (out_channels, in_channels / groups, kD, kH, kW). (N, C, D,
    H, W) -> (N, out_channels, ...).

    Args:
        in_channels: Number of input channels, >= 1.
        out_channels: Number of output channels, >= 1.
        kernel_size: Size of the window, one value for all dimensions or one per dimension, >= 1.
        stride: Distance between windows, one value or one per dimension, >= 1. Default: 1.
        padding: Zeros added at both ends, one value or one per dimension, >= 0. Default: 0.
        dilation: Distance between the elements of a window, one value or one per dimension, >= 1. Default: 1.
        groups: Number of groups; divides the number of channels. Default: 1.
        bias: Whether there is a learned bias. Default: true.
        padding_mode: What the padding is filled with. Default: zeros.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def ConvTranspose1d(
    in_channels: int, out_channels: int, kernel_size: int | Sequence[int], stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] | None = None, output_padding: int | Sequence[int] | None = None,
    groups: int | None = None, bias: bool | ArrayLike | None = None, dilation: int | Sequence[int] | None = None,
    padding_mode: Literal["zeros", "reflect", "replicate", "circular"] | None = None, *,
    output_size: int | Sequence[int | None] | None = None, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """The gradient of a Conv1d with respect to its input, as a layer; weight (in_channels, out_channels /
    groups, k).

    Args:
        in_channels: Number of input channels, >= 1.
        out_channels: Number of output channels, >= 1.
        kernel_size: Size of the window, one value for all dimensions or one per dimension, >= 1.
        stride: Distance between windows, one value or one per dimension, >= 1. Default: 1.
        padding: Zeros added at both ends, one value or one per dimension, >= 0. Default: 0.
        output_padding: Size added to one side of the output, one value or one per dimension. Default: 0.
        groups: Number of groups; divides the number of channels. Default: 1.
        bias: Whether there is a learned bias. Default: true.
        dilation: Distance between the elements of a window, one value or one per dimension, >= 1. Default: 1.
        padding_mode: What the padding is filled with. Default: zeros.
        output_size: Size of the output where several are possible, one value per spatial dimension (an argument of
            forward in PyTorch). Default: the smallest that fits.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def ConvTranspose2d(
    in_channels: int, out_channels: int, kernel_size: int | Sequence[int], stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] | None = None, output_padding: int | Sequence[int] | None = None,
    groups: int | None = None, bias: bool | ArrayLike | None = None, dilation: int | Sequence[int] | None = None,
    padding_mode: Literal["zeros", "reflect", "replicate", "circular"] | None = None, *,
    output_size: int | Sequence[int | None] | None = None, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """The gradient of a Conv2d with respect to its input, as a layer; weight (in_channels, out_channels /
    groups, kH, kW).

    Args:
        in_channels: Number of input channels, >= 1.
        out_channels: Number of output channels, >= 1.
        kernel_size: Size of the window, one value for all dimensions or one per dimension, >= 1.
        stride: Distance between windows, one value or one per dimension, >= 1. Default: 1.
        padding: Zeros added at both ends, one value or one per dimension, >= 0. Default: 0.
        output_padding: Size added to one side of the output, one value or one per dimension. Default: 0.
        groups: Number of groups; divides the number of channels. Default: 1.
        bias: Whether there is a learned bias. Default: true.
        dilation: Distance between the elements of a window, one value or one per dimension, >= 1. Default: 1.
        padding_mode: What the padding is filled with. Default: zeros.
        output_size: Size of the output where several are possible, one value per spatial dimension (an argument of
            forward in PyTorch). Default: the smallest that fits.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def ConvTranspose3d(
    in_channels: int, out_channels: int, kernel_size: int | Sequence[int], stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] | None = None, output_padding: int | Sequence[int] | None = None,
    groups: int | None = None, bias: bool | ArrayLike | None = None, dilation: int | Sequence[int] | None = None,
    padding_mode: Literal["zeros", "reflect", "replicate", "circular"] | None = None, *,
    output_size: int | Sequence[int | None] | None = None, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """The gradient of a Conv3d with respect to its input, as a layer; weight (in_channels, out_channels /
    groups, kD, kH, kW).

    Args:
        in_channels: Number of input channels, >= 1.
        out_channels: Number of output channels, >= 1.
        kernel_size: Size of the window, one value for all dimensions or one per dimension, >= 1.
        stride: Distance between windows, one value or one per dimension, >= 1. Default: 1.
        padding: Zeros added at both ends, one value or one per dimension, >= 0. Default: 0.
        output_padding: Size added to one side of the output, one value or one per dimension. Default: 0.
        groups: Number of groups; divides the number of channels. Default: 1.
        bias: Whether there is a learned bias. Default: true.
        dilation: Distance between the elements of a window, one value or one per dimension, >= 1. Default: 1.
        padding_mode: What the padding is filled with. Default: zeros.
        output_size: Size of the output where several are possible, one value per spatial dimension (an argument of
            forward in PyTorch). Default: the smallest that fits.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def CosineSimilarity(
    dim: int | None = None, eps: float | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """<x1, x2> / max(|x1| |x2|, eps) along one dimension. Two inputs of one shape; that dimension is dropped.

    Args:
        dim: Dimension; a negative one counts from the end. Default: 1.
        eps: Small number that keeps a denominator from zero, > 0. Default: 1e-08.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def CrossMapLRN2d(
    size: int, alpha: float | None = None, beta: float | None = None, k: float | None = None, *,
    name: str | None = None, inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Local response normalisation across neighbouring channels, Torch7's form. (N, C, H, W) -> the same shape.

    Args:
        size: Number of neighbouring channels.
        alpha: Factor of the formula above. Default: 0.0001.
        beta: Parameter of the formula above. Default: 0.75.
        k: Addend in the denominator. Default: 1.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def Dropout(
    p: float | None = None, inplace: bool | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Sets elements to zero with probability p and scales the rest by 1 / (1 - p); identity in eval mode.

    Args:
        p: Probability that an element is dropped, in [0, 1]. Default: 0.5.
        inplace: Accepted for convenience; has no effect on the numbers. Default: false.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def Dropout1d(
    p: float | None = None, inplace: bool | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Drops whole channels with probability p and scales the rest by 1 / (1 - p). (N, C, L).

    Args:
        p: Probability that an element is dropped, in [0, 1]. Default: 0.5.
        inplace: Accepted for convenience; has no effect on the numbers. Default: false.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def Dropout2d(
    p: float | None = None, inplace: bool | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Drops whole channels with probability p and scales the rest by 1 / (1 - p). (N, C, H, W).

    Args:
        p: Probability that an element is dropped, in [0, 1]. Default: 0.5.
        inplace: Accepted for convenience; has no effect on the numbers. Default: false.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def Dropout3d(
    p: float | None = None, inplace: bool | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Drops whole channels with probability p and scales the rest by 1 / (1 - p). (N, C, D, H, W).

    Args:
        p: Probability that an element is dropped, in [0, 1]. Default: 0.5.
        inplace: Accepted for convenience; has no effect on the numbers. Default: false.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def Embedding(
    num_embeddings: int, embedding_dim: int, padding_idx: int | None = None, max_norm: float | None = None,
    norm_type: float | None = None, scale_grad_by_freq: bool | None = None, sparse: bool | None = None, *,
    name: str | None = None, inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Rows of weight (num_embeddings, embedding_dim) picked by integer indices. (*) int64 -> (*, embedding_dim).

    Args:
        num_embeddings: Number of rows, >= 1.
        embedding_dim: Length of a row, >= 1.
        padding_idx: Row that gets no gradient. Default: none.
        max_norm: Rows with a larger norm are rescaled to it in place when they are used. Default: none.
        norm_type: The p of the norm. Default: 2.0.
        scale_grad_by_freq: Whether gradients are divided by the number of times that a row is used in the batch.
            Default: false.
        sparse: Whether the gradient of weight is sparse, as SparseAdam needs it. Default: false.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def EmbeddingBag(
    num_embeddings: int, embedding_dim: int, max_norm: float | None = None, norm_type: float | None = None,
    scale_grad_by_freq: bool | None = None, mode: Literal["sum", "mean", "max"] | None = None,
    sparse: bool | None = None, include_last_offset: bool | None = None, padding_idx: int | None = None, *,
    name: str | None = None, inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Sum, mean or maximum of the embedding rows of each bag. Indices (N, L), or (M) with a named input
    `offsets`; optional named input `per_sample_weights`.

    Args:
        num_embeddings: Number of rows, >= 1.
        embedding_dim: Length of a row, >= 1.
        max_norm: Rows with a larger norm are rescaled to it in place when they are used. Default: none.
        norm_type: The p of the norm. Default: 2.0.
        scale_grad_by_freq: Whether gradients are divided by the number of times that a row is used in the batch.
            Default: false.
        mode: How the rows of a bag are combined. Default: mean.
        sparse: Whether the gradient of weight is sparse, as SparseAdam needs it. Default: false.
        include_last_offset: Whether offsets end with the number of indices. Default: false.
        padding_idx: Row that gets no gradient. Default: none.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def FeatureAlphaDropout(
    p: float | None = None, inplace: bool | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """AlphaDropout of whole channels. (N, C, ...).

    Args:
        p: Probability that an element is dropped, in [0, 1]. Default: 0.5.
        inplace: Accepted for convenience; has no effect on the numbers. Default: false.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def Flatten(
    start_dim: int | None = None, end_dim: int | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Joins the dimensions start_dim to end_dim into one.

    Args:
        start_dim: First dimension to join. Default: 1.
        end_dim: Last dimension to join. Default: -1.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def Fold(
    output_size: int | Sequence[int | None], kernel_size: int | Sequence[int],
    dilation: int | Sequence[int] | None = None, padding: int | Sequence[int] | None = None,
    stride: int | Sequence[int] | None = None, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """Sums sliding blocks back into an image. (N, C * prod(kernel_size), L) -> (N, C, *output_size).

    Args:
        output_size: Size of the output, one value for all dimensions or one per dimension.
        kernel_size: Size of the window, one value for all dimensions or one per dimension, >= 1.
        dilation: Distance between the elements of a window, one value or one per dimension, >= 1. Default: 1.
        padding: Zeros added at both ends, one value or one per dimension, >= 0. Default: 0.
        stride: Distance between windows, one value or one per dimension, >= 1. Default: 1.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def FractionalMaxPool2d(
    kernel_size: int | Sequence[int], output_size: int | Sequence[int | None] | None = None,
    output_ratio: float | Sequence[float] | None = None, return_indices: bool | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Maximum over windows of random position whose number follows from output_size or output_ratio; drawn from
    the problem's seed. (N, C, H, W).

    Args:
        kernel_size: Size of the window, one value for all dimensions or one per dimension, >= 1.
        output_size: Size of the output, one value for all dimensions or one per dimension. Default: none.
        output_ratio: Output size divided by input size, in (0, 1), one value or one per dimension. Default: none.
        return_indices: Whether the positions of the maxima are the second output, `indices`. Default: false.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def FractionalMaxPool3d(
    kernel_size: int | Sequence[int], output_size: int | Sequence[int | None] | None = None,
    output_ratio: float | Sequence[float] | None = None, return_indices: bool | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Maximum over windows of random position whose number follows from output_size or output_ratio; drawn from
    the problem's seed. (N, C, D, H, W).

    Args:
        kernel_size: Size of the window, one value for all dimensions or one per dimension, >= 1.
        output_size: Size of the output, one value for all dimensions or one per dimension. Default: none.
        output_ratio: Output size divided by input size, in (0, 1), one value or one per dimension. Default: none.
        return_indices: Whether the positions of the maxima are the second output, `indices`. Default: false.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def GRUCell(
    input_size: int, hidden_size: int, bias: bool | ArrayLike | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """One step of a GRU. Inputs: x (N, input_size), optionally h (N, hidden_size).

    Args:
        input_size: Number of features of x, >= 1.
        hidden_size: Number of features of h, >= 1.
        bias: Whether there is a learned bias. Default: true.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def GroupNorm(
    num_groups: int, num_channels: int, eps: float | None = None, affine: bool | None = None,
    bias: bool | ArrayLike | None = None, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """Normalises each group of channels of each sample to mean 0 and variance 1, then scales and shifts per
    channel. (N, C, ...).

    Args:
        num_groups: Number of groups; divides num_channels.
        num_channels: Number of channels, >= 1.
        eps: Small number that keeps a denominator from zero, > 0. Default: 1e-05.
        affine: Whether each channel has a learned weight and bias. Default: true.
        bias: Whether there is a learned bias beside the weight. Default: true.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def Hardshrink(
    lambd: float | None = None, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """x where |x| > lambd, else 0, element by element.

    Args:
        lambd: Half width of the dead zone. Default: 0.5.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def Hardsigmoid(
    inplace: bool | None = None, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """0 for x <= -3, 1 for x >= 3, else x / 6 + 1/2.

    Args:
        inplace: Accepted for convenience; has no effect on the numbers. Default: false.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def Hardswish(
    inplace: bool | None = None, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """x * Hardsigmoid(x), element by element.

    Args:
        inplace: Accepted for convenience; has no effect on the numbers. Default: false.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def Hardtanh(
    min_val: float | None = None, max_val: float | None = None, inplace: bool | None = None,
    min_value: float | None = None, max_value: float | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """min_val below min_val, max_val above max_val, else x.

    Args:
        min_val: Lower bound. Default: -1.0.
        max_val: Upper bound. Default: 1.0.
        inplace: Accepted for convenience; has no effect on the numbers. Default: false.
        min_value: Deprecated name of min_val. Default: none.
        max_value: Deprecated name of max_val. Default: none.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def Identity(
    *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """Passes its input on.

    Args:
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def InstanceNorm1d(
    num_features: int, eps: float | None = None, momentum: float | None = 0.1, affine: bool | None = None,
    track_running_stats: bool | None = None, bias: bool | ArrayLike | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Normalises each channel of each sample. (N, C, L).

    Args:
        num_features: Number of channels, >= 1.
        eps: Small number that keeps a denominator from zero, > 0. Default: 1e-05.
        momentum: Weight of the new value in the running average, in [0, 1]. Default: 0.1.
        affine: Whether each channel has a learned weight and bias. Default: false.
        track_running_stats: Whether running statistics are kept as buffers and used in eval mode. Default: false.
        bias: Whether there is a learned bias beside the weight. Default: true.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def InstanceNorm2d(
    num_features: int, eps: float | None = None, momentum: float | None = 0.1, affine: bool | None = None,
    track_running_stats: bool | None = None, bias: bool | ArrayLike | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Normalises each channel of each sample. (N, C, H, W).

    Args:
        num_features: Number of channels, >= 1.
        eps: Small number that keeps a denominator from zero, > 0. Default: 1e-05.
        momentum: Weight of the new value in the running average, in [0, 1]. Default: 0.1.
        affine: Whether each channel has a learned weight and bias. Default: false.
        track_running_stats: Whether running statistics are kept as buffers and used in eval mode. Default: false.
        bias: Whether there is a learned bias beside the weight. Default: true.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def InstanceNorm3d(
    num_features: int, eps: float | None = None, momentum: float | None = 0.1, affine: bool | None = None,
    track_running_stats: bool | None = None, bias: bool | ArrayLike | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Normalises each channel of each sample. (N, C, D, H, W).

    Args:
        num_features: Number of channels, >= 1.
        eps: Small number that keeps a denominator from zero, > 0. Default: 1e-05.
        momentum: Weight of the new value in the running average, in [0, 1]. Default: 0.1.
        affine: Whether each channel has a learned weight and bias. Default: false.
        track_running_stats: Whether running statistics are kept as buffers and used in eval mode. Default: false.
        bias: Whether there is a learned bias beside the weight. Default: true.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def LPPool1d(
    norm_type: float, kernel_size: int | Sequence[int], stride: int | Sequence[int] | None = None,
    ceil_mode: bool | None = None, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """(sum x^p)^(1/p) over a sliding window. (N, C, L).

    Args:
        norm_type: The p of the norm.
        kernel_size: Size of the window, one value for all dimensions or one per dimension, >= 1.
        stride: Distance between windows, one value or one per dimension, >= 1. Default: kernel_size.
        ceil_mode: Whether the output size is rounded up instead of down. Default: false.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def LPPool2d(
    norm_type: float, kernel_size: int | Sequence[int], stride: int | Sequence[int] | None = None,
    ceil_mode: bool | None = None, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """(sum x^p)^(1/p) over a sliding window. (N, C, H, W).

    Args:
        norm_type: The p of the norm.
        kernel_size: Size of the window, one value for all dimensions or one per dimension, >= 1.
        stride: Distance between windows, one value or one per dimension, >= 1. Default: kernel_size.
        ceil_mode: Whether the output size is rounded up instead of down. Default: false.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def LPPool3d(
    norm_type: float, kernel_size: int | Sequence[int], stride: int | Sequence[int] | None = None,
    ceil_mode: bool | None = None, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """(sum x^p)^(1/p) over a sliding window. (N, C, D, H, W).

    Args:
        norm_type: The p of the norm.
        kernel_size: Size of the window, one value for all dimensions or one per dimension, >= 1.
        stride: Distance between windows, one value or one per dimension, >= 1. Default: kernel_size.
        ceil_mode: Whether the output size is rounded up instead of down. Default: false.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def LSTMCell(
    input_size: int, hidden_size: int, bias: bool | ArrayLike | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """One step of an LSTM. Inputs: x (N, input_size), optionally h and c (N, hidden_size).

    Args:
        input_size: Number of features of x, >= 1.
        hidden_size: Number of features of h, >= 1.
        bias: Whether there is a learned bias. Default: true.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def LayerNorm(
    normalized_shape: int | Sequence[int], eps: float | None = None, elementwise_affine: bool | None = None,
    bias: bool | ArrayLike | None = None, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """(x - mean) / sqrt(var + eps) * weight + bias, with statistics over the last dimensions, normalized_shape,
    of each sample.

    Args:
        normalized_shape: The last dimensions of the input, over which statistics are taken.
        eps: Small number that keeps a denominator from zero, > 0. Default: 1e-05.
        elementwise_affine: Whether each element has a learned weight and bias. Default: true.
        bias: Whether there is a learned bias beside the weight. Default: true.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def LeakyReLU(
    negative_slope: float | None = None, inplace: bool | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """x where x > 0, else negative_slope * x, element by element.

    Args:
        negative_slope: Slope below zero. Default: 0.01.
        inplace: Accepted for convenience; has no effect on the numbers. Default: false.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def Linear(
    in_features: int, out_features: int, bias: bool | ArrayLike | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """y = x W^T + b, weight (out_features, in_features). (*, in_features) -> (*, out_features).

    Args:
        in_features: Size of the input, >= 1.
        out_features: Size of the output, >= 1.
        bias: Whether there is a learned bias. Default: true.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def LocalResponseNorm(
    size: int, alpha: float | None = None, beta: float | None = None, k: float | None = None, *,
    name: str | None = None, inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """x / (k + alpha * mean of squares over `size` neighbouring channels)^beta. (N, C, ...).

    Args:
        size: Number of neighbouring channels.
        alpha: Factor of the formula above. Default: 0.0001.
        beta: Parameter of the formula above. Default: 0.75.
        k: Addend in the denominator. Default: 1.0.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def LogSigmoid(
    *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """log(1 / (1 + exp(-x))), element by element.

    Args:
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def LogSoftmax(
    dim: int | None = None, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """x - log(sum(exp(x))) along one dimension.

    Args:
        dim: Dimension; a negative one counts from the end. Default: none.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def MaxPool1d(
    kernel_size: int | Sequence[int], stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] | None = None, dilation: int | Sequence[int] | None = None,
    return_indices: bool | None = None, ceil_mode: bool | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Maximum over a sliding window; ties go to the first. (N, C, L). Second output `indices` if return_indices.

    Args:
        kernel_size: Size of the window, one value for all dimensions or one per dimension, >= 1.
        stride: Distance between windows, one value or one per dimension, >= 1. Default: kernel_size.
        padding: Zeros added at both ends, one value or one per dimension, >= 0. Default: 0.
        dilation: Distance between the elements of a window, one value or one per dimension, >= 1. Default: 1.
        return_indices: Whether the positions of the maxima are the second output, `indices`. Default: false.
        ceil_mode: Whether the output size is rounded up instead of down. Default: false.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def MaxPool2d(
    kernel_size: int | Sequence[int], stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] | None = None, dilation: int | Sequence[int] | None = None,
    return_indices: bool | None = None, ceil_mode: bool | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Maximum over a sliding window; ties go to the first. (N, C, H, W). Second output `indices` if
    return_indices.

    Args:
        kernel_size: Size of the window, one value for all dimensions or one per dimension, >= 1.
        stride: Distance between windows, one value or one per dimension, >= 1. Default: kernel_size.
        padding: Zeros added at both ends, one value or one per dimension, >= 0. Default: 0.
        dilation: Distance between the elements of a window, one value or one per dimension, >= 1. Default: 1.
        return_indices: Whether the positions of the maxima are the second output, `indices`. Default: false.
        ceil_mode: Whether the output size is rounded up instead of down. Default: false.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def MaxPool3d(
    kernel_size: int | Sequence[int], stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] | None = None, dilation: int | Sequence[int] | None = None,
    return_indices: bool | None = None, ceil_mode: bool | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Maximum over a sliding window; ties go to the first. (N, C, D, H, W). Second output `indices` if
    return_indices.

    Args:
        kernel_size: Size of the window, one value for all dimensions or one per dimension, >= 1.
        stride: Distance between windows, one value or one per dimension, >= 1. Default: kernel_size.
        padding: Zeros added at both ends, one value or one per dimension, >= 0. Default: 0.
        dilation: Distance between the elements of a window, one value or one per dimension, >= 1. Default: 1.
        return_indices: Whether the positions of the maxima are the second output, `indices`. Default: false.
        ceil_mode: Whether the output size is rounded up instead of down. Default: false.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def MaxUnpool1d(
    kernel_size: int | Sequence[int], stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] | None = None, *, output_size: int | Sequence[int | None] | None = None,
    name: str | None = None, inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Puts values back where a MaxPool1d found them, zeros elsewhere. Inputs: values, indices.

    Args:
        kernel_size: Size of the window, one value for all dimensions or one per dimension, >= 1.
        stride: Distance between windows, one value or one per dimension, >= 1. Default: kernel_size.
        padding: Zeros added at both ends, one value or one per dimension, >= 0. Default: 0.
        output_size: Size of the output where several are possible, one value per spatial dimension (an argument of
            forward in PyTorch). Default: the smallest that fits.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def MaxUnpool2d(
    kernel_size: int | Sequence[int], stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] | None = None, *, output_size: int | Sequence[int | None] | None = None,
    name: str | None = None, inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Puts values back where a MaxPool2d found them, zeros elsewhere. Inputs: values, indices.

    Args:
        kernel_size: Size of the window, one value for all dimensions or one per dimension, >= 1.
        stride: Distance between windows, one value or one per dimension, >= 1. Default: kernel_size.
        padding: Zeros added at both ends, one value or one per dimension, >= 0. Default: 0.
        output_size: Size of the output where several are possible, one value per spatial dimension (an argument of
            forward in PyTorch). Default: the smallest that fits.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def MaxUnpool3d(
    kernel_size: int | Sequence[int], stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] | None = None, *, output_size: int | Sequence[int | None] | None = None,
    name: str | None = None, inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Puts values back where a MaxPool3d found them, zeros elsewhere. Inputs: values, indices.

    Args:
        kernel_size: Size of the window, one value for all dimensions or one per dimension, >= 1.
        stride: Distance between windows, one value or one per dimension, >= 1. Default: kernel_size.
        padding: Zeros added at both ends, one value or one per dimension, >= 0. Default: 0.
        output_size: Size of the output where several are possible, one value per spatial dimension (an argument of
            forward in PyTorch). Default: the smallest that fits.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def Mish(
    inplace: bool | None = None, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """x * tanh(log(1 + exp(x))), element by element.

    Args:
        inplace: Accepted for convenience; has no effect on the numbers. Default: false.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def MultiheadAttention(
    embed_dim: int, num_heads: int, dropout: float | None = None, bias: bool | ArrayLike | None = None,
    add_bias_kv: bool | None = None, add_zero_attn: bool | None = None, kdim: int | None = None,
    vdim: int | None = None, batch_first: bool | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """softmax(Q K^T / sqrt(d)) V per head, with projections. Inputs: query, key, value; named inputs
    key_padding_mask, attn_mask. Outputs: `output`, `weights`.

    Args:
        embed_dim: Number of features, a multiple of num_heads.
        num_heads: Number of heads, >= 1.
        dropout: Probability of dropout of the attention weights, in [0, 1]. Default: 0.0.
        bias: Whether there is a learned bias. Default: true.
        add_bias_kv: Whether a learned row is added to keys and values. Default: false.
        add_zero_attn: Whether a row of zeros is added to keys and values. Default: false.
        kdim: Number of features of the keys; none means embed_dim. Default: none.
        vdim: Number of features of the values; none means embed_dim. Default: none.
        batch_first: Whether x and the output are (N, T, features) instead of (T, N, features). Default: false.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def PReLU(
    num_parameters: int | None = None, init: float | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """x where x > 0, else weight * x, with a learned weight per channel or one for all.

    Args:
        num_parameters: 1, or the number of channels. Default: 1.
        init: Initial value of the weight; has no effect, since the weight is given. Default: 0.25.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def PairwiseDistance(
    p: float | None = None, eps: float | None = None, keepdim: bool | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """|x1 - x2 + eps|_p along the last dimension. Two inputs of one shape.

    Args:
        p: The p of the norm. Default: 2.0.
        eps: Small number that keeps a denominator from zero, > 0. Default: 1e-06.
        keepdim: Whether the reduced dimension stays with size 1. Default: false.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def PixelShuffle(
    upscale_factor: int, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """(N, C r^2, H, W) -> (N, C, H r, W r), with r = upscale_factor.

    Args:
        upscale_factor: The r of the formula, >= 1.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def PixelUnshuffle(
    downscale_factor: int, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """(N, C, H r, W r) -> (N, C r^2, H, W), with r = downscale_factor.

    Args:
        downscale_factor: The r of the formula, >= 1.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def RMSNorm(
    normalized_shape: int | Sequence[int], eps: float | None = None, elementwise_affine: bool | None = None, *,
    name: str | None = None, inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """x / sqrt(mean(x^2) + eps) * weight over the last dimensions, normalized_shape, of each sample.

    Args:
        normalized_shape: The last dimensions of the input, over which statistics are taken.
        eps: Small number that keeps a denominator from zero, > 0. Default: the machine epsilon of the dtype.
        elementwise_affine: Whether each element has a learned weight. Default: true.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def RNNCell(
    input_size: int, hidden_size: int, bias: bool | ArrayLike | None = None,
    nonlinearity: Literal["tanh", "relu"] | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """One step of an Elman RNN. Inputs: x (N, input_size), optionally h (N, hidden_size).

    Args:
        input_size: Number of features of x, >= 1.
        hidden_size: Number of features of h, >= 1.
        bias: Whether there is a learned bias. Default: true.
        nonlinearity: The activation. Default: tanh.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def RReLU(
    lower: float | None = None, upper: float | None = None, inplace: bool | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """x where x > 0, else a * x with a drawn uniformly from [lower, upper] in train mode and their mean in eval
    mode.

    Args:
        lower: Smallest slope. Default: 0.125.
        upper: Largest slope. Default: 0.3333333333333333.
        inplace: Accepted for convenience; has no effect on the numbers. Default: false.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def ReLU(
    inplace: bool | None = None, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """max(0, x), element by element; derivative 0 at 0.

    Args:
        inplace: Accepted for convenience; has no effect on the numbers. Default: false.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def ReLU6(
    inplace: bool | None = None, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """min(max(0, x), 6), element by element.

    Args:
        inplace: Accepted for convenience; has no effect on the numbers. Default: false.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def ReflectionPad1d(
    padding: int | Sequence[int], *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """Pads the last dimension with its mirror image.

    Args:
        padding: Elements added: one value for all sides, or two per dimension, (left, right, top, bottom, front, back).
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def ReflectionPad2d(
    padding: int | Sequence[int], *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """Pads the last two dimensions with their mirror image.

    Args:
        padding: Elements added: one value for all sides, or two per dimension, (left, right, top, bottom, front, back).
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def ReflectionPad3d(
    padding: int | Sequence[int], *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """Pads the last three dimensions with their mirror image.

    Args:
        padding: Elements added: one value for all sides, or two per dimension, (left, right, top, bottom, front, back).
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def ReplicationPad1d(
    padding: int | Sequence[int], *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """Pads the last dimension with its edge values.

    Args:
        padding: Elements added: one value for all sides, or two per dimension, (left, right, top, bottom, front, back).
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def ReplicationPad2d(
    padding: int | Sequence[int], *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """Pads the last two dimensions with their edge values.

    Args:
        padding: Elements added: one value for all sides, or two per dimension, (left, right, top, bottom, front, back).
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def ReplicationPad3d(
    padding: int | Sequence[int], *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """Pads the last three dimensions with their edge values.

    Args:
        padding: Elements added: one value for all sides, or two per dimension, (left, right, top, bottom, front, back).
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def SiLU(
    inplace: bool | None = None, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """x * sigmoid(x), element by element.

    Args:
        inplace: Accepted for convenience; has no effect on the numbers. Default: false.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def Sigmoid(
    *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """1 / (1 + exp(-x)), element by element.

    Args:
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def Softmax(
    dim: int | None = None, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """exp(x) / sum(exp(x)) along one dimension.

    Args:
        dim: Dimension; a negative one counts from the end. Default: none.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def Softmax2d(
    *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """Softmax over the channels at each position. (N, C, H, W).

    Args:
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def Softmin(
    dim: int | None = None, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """exp(-x) / sum(exp(-x)) along one dimension.

    Args:
        dim: Dimension; a negative one counts from the end. Default: none.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def Softplus(
    beta: float | None = None, threshold: float | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """log(1 + exp(beta * x)) / beta, linear where beta * x > threshold.

    Args:
        beta: Parameter of the formula above. Default: 1.0.
        threshold: Value of beta * x above which the function is linear. Default: 20.0.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def Softshrink(
    lambd: float | None = None, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """x - lambd above lambd, x + lambd below -lambd, else 0.

    Args:
        lambd: Half width of the dead zone. Default: 0.5.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def Softsign(
    *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """x / (1 + |x|), element by element.

    Args:
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def SyncBatchNorm(
    num_features: int, eps: float | None = None, momentum: float | None = 0.1, affine: bool | None = None,
    track_running_stats: bool | None = None, bias: bool | ArrayLike | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """BatchNorm whose statistics cover all processes of a group; here there is one process, so it equals
    BatchNorm. (N, C, ...).

    Args:
        num_features: Number of channels, >= 1.
        eps: Small number that keeps a denominator from zero, > 0. Default: 1e-05.
        momentum: Weight of the new value in the running average, in [0, 1]. Default: 0.1.
        affine: Whether each channel has a learned weight and bias. Default: true.
        track_running_stats: Whether running statistics are kept as buffers and used in eval mode. Default: true.
        bias: Whether there is a learned bias beside the weight. Default: true.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def Tanh(
    *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """tanh(x), element by element.

    Args:
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def Tanhshrink(
    *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """x - tanh(x), element by element.

    Args:
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def Threshold(
    threshold: float, value: float, inplace: bool | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """x where x > threshold, else value.

    Args:
        threshold: Value above which x is passed on.
        value: The constant.
        inplace: Accepted for convenience; has no effect on the numbers. Default: false.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def Transformer(
    d_model: int | None = None, nhead: int | None = None, num_encoder_layers: int | None = None,
    num_decoder_layers: int | None = None, dim_feedforward: int | None = None, dropout: float | None = None,
    activation: Literal["relu", "gelu"] | None = None, layer_norm_eps: float | None = None,
    batch_first: bool | None = None, norm_first: bool | None = None, bias: bool | ArrayLike | None = None, *,
    name: str | None = None, inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Encoder and decoder stacks. Inputs: src, tgt; named inputs src_mask, tgt_mask, memory_mask and the key
    padding masks.

    Args:
        d_model: Number of features, a multiple of nhead. Default: 512.
        nhead: Number of heads, >= 1. Default: 8.
        num_encoder_layers: Number of encoder layers. Default: 6.
        num_decoder_layers: Number of decoder layers. Default: 6.
        dim_feedforward: Width of the feed-forward network. Default: 2048.
        dropout: Probability of dropout in every sublayer, in [0, 1]. Default: 0.1.
        activation: Activation of the feed-forward network. Default: relu.
        layer_norm_eps: eps of the LayerNorms. Default: 1e-05.
        batch_first: Whether x and the output are (N, T, features) instead of (T, N, features). Default: false.
        norm_first: Whether the LayerNorm comes before each sublayer instead of after it. Default: false.
        bias: Whether there is a learned bias. Default: true.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def TransformerDecoder(
    decoder_layer: Node | Mapping[str, Any], num_layers: int, norm: Node | Mapping[str, Any] | None = None, *,
    name: str | None = None, inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """A stack of decoder layers. Inputs: tgt, memory; named inputs tgt_mask, memory_mask and the key padding
    masks.

    Args:
        decoder_layer: The layer that is repeated.
        num_layers: Number of stacked layers, >= 1.
        norm: A LayerNorm after the last layer. Default: none.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def TransformerDecoderLayer(
    d_model: int, nhead: int, dim_feedforward: int | None = None, dropout: float | None = None,
    activation: Literal["relu", "gelu"] | None = None, layer_norm_eps: float | None = None,
    batch_first: bool | None = None, norm_first: bool | None = None, bias: bool | ArrayLike | None = None, *,
    name: str | None = None, inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Self-attention, attention to memory and a feed-forward network, each with a residual and a LayerNorm.
    Inputs: tgt, memory.

    Args:
        d_model: Number of features, a multiple of nhead.
        nhead: Number of heads, >= 1.
        dim_feedforward: Width of the feed-forward network. Default: 2048.
        dropout: Probability of dropout in every sublayer, in [0, 1]. Default: 0.1.
        activation: Activation of the feed-forward network. Default: relu.
        layer_norm_eps: eps of the LayerNorms. Default: 1e-05.
        batch_first: Whether x and the output are (N, T, features) instead of (T, N, features). Default: false.
        norm_first: Whether the LayerNorm comes before each sublayer instead of after it. Default: false.
        bias: Whether there is a learned bias. Default: true.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def TransformerEncoder(
    encoder_layer: Node | Mapping[str, Any], num_layers: int, norm: Node | Mapping[str, Any] | None = None,
    enable_nested_tensor: bool | None = None, mask_check: bool | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """A stack of encoder layers. Inputs: src; named inputs mask, src_key_padding_mask.

    Args:
        encoder_layer: The layer that is repeated.
        num_layers: Number of stacked layers, >= 1.
        norm: A LayerNorm after the last layer. Default: none.
        enable_nested_tensor: Accepted for convenience; has no effect on the numbers. Default: true.
        mask_check: Accepted for convenience; has no effect on the numbers. Default: true.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def TransformerEncoderLayer(
    d_model: int, nhead: int, dim_feedforward: int | None = None, dropout: float | None = None,
    activation: Literal["relu", "gelu"] | None = None, layer_norm_eps: float | None = None,
    batch_first: bool | None = None, norm_first: bool | None = None, bias: bool | ArrayLike | None = None, *,
    name: str | None = None, inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Self-attention and a feed-forward network, each with a residual and a LayerNorm. Inputs: src; named inputs
    src_mask, src_key_padding_mask.

    Args:
        d_model: Number of features, a multiple of nhead.
        nhead: Number of heads, >= 1.
        dim_feedforward: Width of the feed-forward network. Default: 2048.
        dropout: Probability of dropout in every sublayer, in [0, 1]. Default: 0.1.
        activation: Activation of the feed-forward network. Default: relu.
        layer_norm_eps: eps of the LayerNorms. Default: 1e-05.
        batch_first: Whether x and the output are (N, T, features) instead of (T, N, features). Default: false.
        norm_first: Whether the LayerNorm comes before each sublayer instead of after it. Default: false.
        bias: Whether there is a learned bias. Default: true.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def Unflatten(
    dim: int, unflattened_size: int | Sequence[int], *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Splits one dimension into several.

    Args:
        dim: Dimension; a negative one counts from the end.
        unflattened_size: Sizes that the dimension is split into; their product is its size.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def Unfold(
    kernel_size: int | Sequence[int], dilation: int | Sequence[int] | None = None,
    padding: int | Sequence[int] | None = None, stride: int | Sequence[int] | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Sliding blocks as columns. (N, C, H, W) -> (N, C * prod(kernel_size), L).

    Args:
        kernel_size: Size of the window, one value for all dimensions or one per dimension, >= 1.
        dilation: Distance between the elements of a window, one value or one per dimension, >= 1. Default: 1.
        padding: Zeros added at both ends, one value or one per dimension, >= 0. Default: 0.
        stride: Distance between windows, one value or one per dimension, >= 1. Default: 1.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def Upsample(
    size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None,
    mode: Literal["nearest", "linear", "bilinear", "bicubic", "trilinear", "nearest-exact"] | None = None,
    align_corners: bool | None = None, recompute_scale_factor: bool | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Resizes by nearest neighbour or interpolation. (N, C, ...).

    Args:
        size: Size of the output, one value for all dimensions or one per dimension. Default: none.
        scale_factor: Output size divided by input size, one value or one per dimension. Default: none.
        mode: How values are interpolated. Default: nearest.
        align_corners: Whether the corner elements of input and output are aligned. Default: none.
        recompute_scale_factor: Whether the scale factor is computed again from the sizes. Default: none.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def UpsamplingBilinear2d(
    size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None, *,
    name: str | None = None, inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Bilinear resizing with aligned corners. (N, C, H, W).

    Args:
        size: Size of the output, one value for all dimensions or one per dimension. Default: none.
        scale_factor: Output size divided by input size, one value or one per dimension. Default: none.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def UpsamplingNearest2d(
    size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None, *,
    name: str | None = None, inputs: str | Sequence[str] | None = None, named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None, **tensors: Any,
) -> Node:
    """Nearest-neighbour resizing. (N, C, H, W).

    Args:
        size: Size of the output, one value for all dimensions or one per dimension. Default: none.
        scale_factor: Output size divided by input size, one value or one per dimension. Default: none.
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def ZeroPad1d(
    padding: int | Sequence[int], *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """Pads the last dimension with zeros.

    Args:
        padding: Elements added: one value for all sides, or two per dimension, (left, right, top, bottom, front, back).
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def ZeroPad2d(
    padding: int | Sequence[int], *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """Pads the last two dimensions with zeros.

    Args:
        padding: Elements added: one value for all sides, or two per dimension, (left, right, top, bottom, front, back).
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """

def ZeroPad3d(
    padding: int | Sequence[int], *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None, output: str | int | None = None, **tensors: Any,
) -> Node:
    """Pads the last three dimensions with zeros.

    Args:
        padding: Elements added: one value for all sides, or two per dimension, (left, right, top, bottom, front, back).
        name, inputs, named_inputs, output: place in the network; see Node.
        tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.
    """
