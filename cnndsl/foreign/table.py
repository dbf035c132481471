"""The layers of Keras and PyTorch by their names, with their arguments: data, and no more.

A class has a word of the language, and its arguments in their order; `ROLES` says what an
argument is here. Whoever reads calls, or models, of theirs goes by this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

KERAS, TORCH = "keras", "torch"

TITLES = {KERAS: "Keras", TORCH: "PyTorch"}


class Class(NamedTuple):
    """A layer of theirs.

    * `word`: what it is here; empty for what has no counterpart
    * `arguments`: the names of its arguments in their order
    * `rank`: how many spatial dimensions it is for; 0 where it has no dimensions of its own
    * `defaults`: the values of arguments that are left out, where the language's differ or it
      wants one
    * `flags`: what the word needs after it to mean the same
    """

    word: str
    arguments: tuple[str, ...] = ()
    rank: int = 0
    defaults: Mapping[str, Any] = {}
    flags: tuple[str, ...] = ()


def _class(word: str, arguments: str = "", flags: str = "", **defaults: Any) -> Class:
    return Class(word, tuple(arguments.split()), 0, defaults, tuple(flags.split()))


_KERAS_CONV = "strides padding data_format dilation_rate"
_KERAS_POOL = _class("pool", "pool_size strides padding data_format", pool_size=2)
_KERAS_MERGE = (
    "add:Add subtract:Subtract mul:Multiply average:Average maximum:Maximum concat:Concatenate"
)
_TORCH_CONV = "in_channels out_channels kernel_size stride padding"
_TORCH_NORM = _class(
    "bn", "num_features eps momentum affine track_running_stats", eps=1e-5, momentum=0.1
)

# Of classes for one, two and three dimensions: `*` is their number.
_RANKED = {
    KERAS: {
        "Conv*D": _class("conv", f"filters kernel_size {_KERAS_CONV} groups activation use_bias"),
        "Convolution*D": _class("conv", "filters kernel_size strides padding"),
        "SeparableConv*D": _class(
            "sepconv", f"filters kernel_size {_KERAS_CONV} depth_multiplier activation use_bias"
        ),
        "DepthwiseConv*D": _class(
            "dwconv",
            "kernel_size strides padding depth_multiplier data_format dilation_rate activation "
            "use_bias",
        ),
        "Conv*DTranspose": _class(
            "deconv", "filters kernel_size strides padding", flags="transposed"
        ),
        "MaxPooling*D": _KERAS_POOL,
        "MaxPool*D": _KERAS_POOL,
        "AveragePooling*D": _KERAS_POOL._replace(word="avgpool"),
        "AvgPool*D": _KERAS_POOL._replace(word="avgpool"),
        "GlobalAveragePooling*D": _class("gap", "data_format keepdims"),
        "AdaptiveAveragePooling*D": _class("gap", "output_size data_format"),
        "AdaptiveMaxPooling*D": _class("gmp", "output_size data_format"),
        "GlobalAvgPool*D": _class("gap", "data_format keepdims"),
        "GlobalMaxPooling*D": _class("gmp", "data_format keepdims"),
        "GlobalMaxPool*D": _class("gmp", "data_format keepdims"),
        "UpSampling*D": _class("up", "size data_format interpolation", size=2),
        "ZeroPadding*D": _class("zeropad", "padding data_format", padding=1),
        "Cropping*D": _class("crop", "cropping data_format", cropping=1),
        "SpatialDropout*D": _class(""),
        "LocallyConnected*D": _class(""),
    },
    TORCH: {
        "Conv*d": _class("conv", f"{_TORCH_CONV} dilation groups bias padding_mode"),
        "LazyConv*d": _class(
            "conv", "out_channels kernel_size stride padding dilation groups bias padding_mode"
        ),
        "ConvTranspose*d": _class(
            "deconv", f"{_TORCH_CONV} output_padding groups bias dilation padding_mode"
        ),
        "MaxPool*d": _class("pool", "kernel_size stride padding dilation return_indices ceil_mode"),
        "AvgPool*d": _class(
            "avgpool", "kernel_size stride padding ceil_mode count_include_pad divisor_override"
        ),
        "AdaptiveAvgPool*d": _class("gap", "output_size"),
        "AdaptiveMaxPool*d": _class("gmp", "output_size return_indices"),
        "BatchNorm*d": _TORCH_NORM,
        "LazyBatchNorm*d": _TORCH_NORM._replace(arguments=_TORCH_NORM.arguments[1:]),
        "Dropout*d": _class(""),
        "InstanceNorm*d": _class(
            "inorm",
            "num_features eps momentum affine track_running_stats",
            eps=1e-5,
            affine=False,
            track_running_stats=False,
        ),
        "ZeroPad*d": _class("zeropad", "padding"),
        "ConstantPad*d": _class("zeropad", "padding value"),
        "ReflectionPad*d": _class("reflectpad", "padding"),
        "ReplicationPad*d": _class("replicatepad", "padding"),
        "FractionalMaxPool*d": _class(""),
        "MaxUnpool*d": _class(""),
        "LPPool*d": _class(""),
    },
}

_PLAIN = {
    KERAS: {
        "Dense": _class("dense", "units activation use_bias"),
        "Flatten": _class("flatten", "data_format"),
        "Dropout": _class("dropout", "rate noise_shape"),
        "BatchNormalization": _class(
            "bn", "axis momentum epsilon center scale", momentum=0.99, epsilon=1e-3
        ),
        "LayerNormalization": _class("ln", "axis epsilon center scale", epsilon=1e-3),
        "GroupNormalization": _class(
            "gn", "groups axis epsilon center scale", groups=32, epsilon=1e-3
        ),
        "Activation": _class("", "activation"),
        "ReLU": _class("relu", "max_value negative_slope threshold"),
        "LeakyReLU": _class("leaky_relu", "negative_slope", negative_slope=0.3),
        "PReLU": _class("prelu", "alpha_initializer"),
        "ELU": _class("elu", "alpha"),
        "Softmax": _class("softmax", "axis"),
        "Reshape": _class("reshape", "target_shape"),
        "Permute": _class("permute", "dims"),
        "Rescaling": _class("rescale", "scale offset"),
        "Input": _class("input", "shape"),
        "InputLayer": _class("input", "shape"),
        "Identity": _class("skip"),
        **{name: _class(word) for word, name in (each.split(":") for each in _KERAS_MERGE.split())},
        **dict.fromkeys(
            "Embedding LSTM GRU SimpleRNN Bidirectional TimeDistributed Lambda "
            "RepeatVector Masking Normalization RandomFlip RandomRotation RandomZoom RandomCrop "
            "Resizing GaussianNoise GaussianDropout AlphaDropout UnitNormalization "
            "MultiHeadAttention Attention Dot Minimum".split(),
            _class(""),
        ),
    },
    TORCH: {
        "Linear": _class("dense", "in_features out_features bias"),
        "LazyLinear": _class("dense", "out_features bias"),
        "Flatten": _class("flatten", "start_dim end_dim"),
        "Dropout": _class("dropout", "p inplace", p=0.5),
        "LayerNorm": _class("ln", "normalized_shape eps elementwise_affine bias", eps=1e-5),
        "GroupNorm": _class("gn", "num_groups num_channels eps affine", eps=1e-5),
        "LocalResponseNorm": _class("lrn", "size alpha beta k", alpha=1e-4, beta=0.75, k=1.0),
        "ReLU": _class("relu", "inplace"),
        "ReLU6": _class("relu6", "inplace"),
        "LeakyReLU": _class("leaky_relu", "negative_slope inplace", negative_slope=0.01),
        "PReLU": _class("prelu", "num_parameters init"),
        "ELU": _class("elu", "alpha inplace"),
        "SELU": _class("selu", "inplace"),
        "GELU": _class("gelu", "approximate"),
        "Hardtanh": _class("clamp", "min_val max_val inplace", min_val=-1, max_val=1),
        "SiLU": _class("silu", "inplace"),
        "Mish": _class("mish", "inplace"),
        "Softplus": _class("softplus", "beta threshold"),
        "Sigmoid": _class("sigmoid"),
        "Tanh": _class("tanh"),
        "Softmax": _class("softmax", "dim"),
        "Softmax2d": _class("softmax"),
        "Hardswish": _class("hard_swish", "inplace"),
        "Hardsigmoid": _class("hard_sigmoid", "inplace"),
        "Upsample": _class("up", "size scale_factor mode align_corners", mode="nearest"),
        "UpsamplingNearest2d": _class("up", "size scale_factor"),
        "ChannelShuffle": _class("shuffle", "groups"),
        "PixelShuffle": _class("pixelshuffle", "upscale_factor"),
        "PixelUnshuffle": _class("pixelunshuffle", "downscale_factor"),
        "Identity": _class("skip"),
        **dict.fromkeys(
            "LogSoftmax AlphaDropout Embedding LSTM GRU RNN Unflatten "
            "Bilinear MultiheadAttention Softmin Softsign Threshold CELU GLU "
            "RMSNorm Fold Unfold".split(),
            _class(""),
        ),
    },
}

CLASSES: dict[str, dict[str, Class]] = {
    framework: {
        **plain,
        **{
            name.replace("*", str(rank)): each._replace(rank=rank)
            for name, each in _RANKED[framework].items()
            for rank in (1, 2, 3)
        },
    }
    for framework, plain in _PLAIN.items()
}
"""The classes of each framework by their names."""

CLASSES[KERAS].update(  # as functions of their own, `conv2d(8, 3)`
    (name.lower(), each) for name, each in [*CLASSES[KERAS].items()] if each.rank
)

FUNCTIONS: dict[str, tuple[str, str]] = {
    "relu": ("ReLU", ""), "relu6": ("ReLU6", ""), "leaky_relu": ("LeakyReLU", ""),
    "elu": ("ELU", ""), "selu": ("SELU", ""), "gelu": ("GELU", ""), "silu": ("SiLU", ""),
    "mish": ("Mish", ""), "softplus": ("Softplus", ""), "sigmoid": ("Sigmoid", ""),
    "tanh": ("Tanh", ""), "softmax": ("Softmax", ""), "hardswish": ("Hardswish", ""),
    "hardsigmoid": ("Hardsigmoid", ""), "hardtanh": ("Hardtanh", ""),
    "log_softmax": ("LogSoftmax", ""),
    "flatten": ("Flatten", "start_dim end_dim"), "dropout": ("Dropout", "p training inplace"),
    "max_pool1d": ("MaxPool1d", "kernel_size stride padding dilation ceil_mode"),
    "max_pool2d": ("MaxPool2d", "kernel_size stride padding dilation ceil_mode"),
    "max_pool3d": ("MaxPool3d", "kernel_size stride padding dilation ceil_mode"),
    "avg_pool1d": ("AvgPool1d", ""), "avg_pool2d": ("AvgPool2d", ""),
    "avg_pool3d": ("AvgPool3d", ""), "adaptive_avg_pool1d": ("AdaptiveAvgPool1d", ""),
    "adaptive_avg_pool2d": ("AdaptiveAvgPool2d", ""),
    "adaptive_avg_pool3d": ("AdaptiveAvgPool3d", ""),
    "adaptive_max_pool2d": ("AdaptiveMaxPool2d", ""),
    "pixel_shuffle": ("PixelShuffle", ""), "pixel_unshuffle": ("PixelUnshuffle", ""),
    "interpolate": ("Upsample", "size scale_factor mode align_corners"),
}  # fmt: skip
"""PyTorch's functions of a tensor: the class of each, and its arguments where they are others."""

ROLES: dict[str, dict[str, str]] = {
    KERAS: {
        "filters": "filters", "units": "units", "kernel_size": "kernel", "pool_size": "kernel",
        "strides": "stride", "padding": "pad", "dilation_rate": "dilation", "groups": "groups",
        "depth_multiplier": "mult", "activation": "activation", "use_bias": "bias",
        "rate": "rate", "epsilon": "eps", "momentum": "momentum", "center": "shift",
        "scale": "scale", "negative_slope": "slope", "alpha": "slope", "size": "factor",
        "interpolation": "mode", "cropping": "crop", "target_shape": "shape",
        "dims": "order", "offset": "offset",
        "keepdims": "keep", "shape": "shape", "output_padding": "output_pad",
        "output_size": "output",
    },
    TORCH: {
        "out_channels": "filters", "out_features": "units", "kernel_size": "kernel",
        "stride": "stride", "padding": "pad", "dilation": "dilation", "groups": "groups",
        "num_groups": "groups", "bias": "bias", "p": "rate", "eps": "eps",
        "momentum": "momentum", "affine": "affine", "elementwise_affine": "affine",
        "negative_slope": "slope", "scale_factor": "factor", "mode": "mode",
        "ceil_mode": "ceil", "count_include_pad": "countpad", "output_padding": "output_pad",
        "output_size": "output", "normalized_shape": "normalized",
        "upscale_factor": "factor", "downscale_factor": "factor",
        "size": "size", "alpha": "alpha", "beta": "beta", "k": "k",
        "min_val": "low", "max_val": "high", "approximate": "approximate",
    },
}  # fmt: skip
"""What their arguments are here."""

SILENT = frozenset(
    "name seed dtype device inplace in_channels in_features num_features num_channels "
    "kernel_initializer bias_initializer beta_initializer gamma_initializer alpha_initializer "
    "moving_mean_initializer moving_variance_initializer depthwise_initializer training init "
    "pointwise_initializer batch_size input_shape batch_input_shape input_dim batch_shape "
    "autocast sparse ragged optional".split()
)
"""Arguments that say nothing of which net it is, or nothing that is said here."""

TRAINING = frozenset(
    "kernel_regularizer bias_regularizer activity_regularizer beta_regularizer gamma_regularizer "
    "depthwise_regularizer pointwise_regularizer kernel_constraint bias_constraint "
    "beta_constraint gamma_constraint depthwise_constraint pointwise_constraint noise_shape "
    "trainable synchronized lora_rank renorm".split()
)
"""Arguments that change how a net is trained, which is not said here."""

ORDINARY: dict[str, tuple[Any, ...]] = {
    "data_format": (None, "channels_last"), "axis": (-1, 3, (-1,)), "padding_mode": ("zeros",),
    "return_indices": (False,), "divisor_override": (None,), "align_corners": (None, False),
    "start_dim": (1,), "end_dim": (-1,), "dim": (1, -1), "num_parameters": (),
    "max_value": (None,), "value": (0, 0.0),
    "size": (None,), "shared_axes": ([1, 2], (1, 2)), "threshold": (None, 0, 0.0, 20),
    "beta": (1, 1.0), "track_running_stats": (True,),
}  # fmt: skip
"""Arguments that have no role, with the values under which they need none."""

ACTIVATIONS: dict[str, str] = {
    "linear": "", "relu": "relu", "relu6": "relu6", "elu": "elu", "selu": "selu",
    "gelu": "gelu", "silu": "silu", "swish": "silu", "mish": "mish", "softplus": "softplus",
    "sigmoid": "sigmoid", "tanh": "tanh", "softmax": "softmax", "hard_silu": "hard_swish",
    "hard_swish": "hard_swish", "hard_sigmoid": "hard_sigmoid",
}  # fmt: skip
"""Keras's names of activations."""

WORDS = frozenset(ACTIVATIONS.values()).union(
    each.word for classes in CLASSES.values() for each in classes.values()
) - {""}
"""The words of the language that any of theirs is."""

MODULES = frozenset("nn layers models keras tf torch tensorflow F functional activations".split())
"""What stands before the point of a name of theirs."""

CHORES = frozenset(
    "compile fit summary build evaluate predict save load_weights eval train cuda to parameters "
    "manual_seed set_seed plot_model".split()
)
"""What is done with a model, which is no part of it."""

INPUT_SHAPES = frozenset(("shape", "input_shape", "batch_input_shape", "batch_shape", "input_dim"))
"""Arguments of a layer of Keras that say what the net's input is."""
