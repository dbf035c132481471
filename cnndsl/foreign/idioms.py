"""Words for what the language has no word for, and how it is written instead, if it is.

Only a text that has such a word imports this module.
"""

from __future__ import annotations

import re

from cnndsl.diagnostics.message import NOTHING, Message

_RESIDUAL = "add { skip | conv N 3x3 same; bn; relu; conv N 3x3 same; bn }"

_LINES = {
    "add { skip | … }": "residual residualconnection shortcut skipconnection identityshortcut "
    "connection 잔차 잔차연결 숏컷 스킵연결",
    _RESIDUAL: "res resblock residualblock residualunit identityblock 잔차블록",
    "block se(r=16) { let c = C; mul { skip | gap keep; conv (max(1, c//r)) 1x1 relu; conv c 1x1 "
    "sigmoid } }": "se seblock selayer semodule seunit squeezeexcite squeezeexcitation "
    "squeezeandexcite squeezeandexcitation sqex scse channelattention",
    "repeat 4 { concat { skip | bn; relu; conv 32 3x3 same nobias } }": "denseblock denselayer "
    "denselyconnected",
    "conv N 1x1": "pointwise pointwiseconv projection conv1x1 conv1by1 nin",
    "conv N K groups=G": "groupconv groupedconv groupconvolution groupedconvolution",
    "conv N K dilation=D": "dilated dilatedconv dilatedconvolution atrous atrousconv "
    "atrousconvolution",
    "conv N K pad=((K-1)*D):0 dilation=D": "causal causalconv causalconvolution",
    "conv N 3x3 same nobias; bn; relu": "convbn convbnrelu convbnact convbnsilu cbr cbs cbl "
    "convblock basicconv convnormact convmodule",
    "from NAME": "route goto load",
    "concat { from A | from B }": "concatlayers join",
    "avgpool to=SIZE": "adaptiveavgpool adaptiveavgpooling adaptiveaveragepool "
    "adaptiveaveragepooling",
    "pool to=SIZE": "adaptivemaxpool adaptivemaxpooling",
    "zeropad P": "pad constantpad",
    "pixelshuffle R dcr": "depthtospace depth2space d2s",
    "pixelunshuffle R dcr": "spacetodepth space2depth s2d reorg passthrough focus",
    "up to=SIZE": "resize resizing interpolate interpolation",
    "freeze { … }": "frozen frozenlayers trainable requiresgrad 동결 고정",
    "up F bilinear": "bilinear bilinearupsample bilinearupsampling upsamplebilinear",
    "slice A:B": "split chunk narrow 슬라이스",
    "pixelunshuffle R": "unshuffle spacetochannels",
    "reshape SIZE": "squeeze unsqueeze expand expanddims",
    "relu": "activation act actfn activationlayer nonlinearity nonlin 활성화 활성화함수",
}
"""What stands for a thing, and what the thing is called: without `_` and `2D`."""

_BLOCKS = """bottleneck basicblock bottleneckblock invertedresidual mbconv fusedmbconv irb inception
inceptionmodule inceptionblock fire firemodule ghost ghostmodule ghostbottleneck transition
transitionlayer spp sppf spatialpyramidpooling aspp psp ppm pyramidpooling cbam bam spatialattention
shuffleunit shuffleblock convnextblock repvggblock repvgg c2f c3 cspblock csp mixerblock unet fpn
stem splitattention xceptionblock 병목 인셉션""".split()
"""Names of blocks that people know, of which a file has to have its own."""

_MISSING = (
    (Message("attention"), "attention selfattention crossattention multiheadattention mha sdpa vit "
     "transformer transformerencoder encoderlayer nonlocal nonlocalblock swin 어텐션 셀프어텐션 "
     "트랜스포머"),
    (Message("recurrence"), "lstm gru rnn simplernn convlstm bilstm bigru bidirectional rnncell "
     "lstmcell grucell recurrent timedistributed 순환신경망"),
    (Message("capsules"), "capsule capsulelayer capsules primarycaps primarycapsule digitcaps caps "
     "routing 캡슐"),
    (Message("Fourier transforms"), "fft rfft ifft irfft fft2 fourier fnet spectralconv "
     "fourierlayer dct stft 푸리에"),
    (Message("products of tensors as matrices"), "matmul bmm mm einsum dot tensordot outer gram "
     "bilinearpool corr correlation 행렬곱"),
    (Message("tables of words"), "embedding embeddings embed wordembedding tokenembedding "
     "positionalembedding positionalencoding posembed 임베딩"),
    (Message("unpooling to places that a pool has kept"), "unpool maxunpool unpooling maxunpooling "
     "언풀링"),
    (Message("noise"), "noise gaussiannoise gaussiandropout uniformnoise"),
    (Message("dropout of whole channels or regions"), "spatialdropout alphadropout featuredropout "
     "channeldropout dropblock featurealphadropout"),
    (Message("normalisation of that name"), "weightnorm spectralnorm rmsnorm filterresponsenorm "
     "frn evonorm syncbn unitnorm grn l2norm normalize whitening"),
    (Message("activation of that name"), "celu glu geglu swiglu hardshrink softshrink tanhshrink "
     "softsign logsoftmax logsigmoid rrelu crelu maxout softmin threshold thresholdedrelu "
     "sparsemax snake sine"),
    (Message("arithmetic with single values"), "abs sqrt rsqrt pow square exp log neg divide div "
     "reciprocal sin cos mod"),
    (Message("regions and boxes"), "roipool roialign roipooling nms yolo anchors anchor priorbox "
     "detection detect bbox"),
    (Message("deformed kernels"), "deform deformconv deformableconv dcn deformconvolution "
     "dynamicconv condconv involution locallyconnected"),
    (Message("a repetition of values"), "repeatvector tile stack repeatinterleave broadcast"),
    (Message("functions of Python"), "lambda function python pyfunc custom customlayer"),
)  # fmt: skip
"""What the language has not, and what is called so."""

_TRAINING = """loss losses criterion optimizer optimiser optim compile fit train epochs lr
learningrate backward crossentropy adam sgd 손실 손실함수 학습률""".split()

_LINE_OF = {each: line for line, names in _LINES.items() for each in names.split()}
_MISSING_OF = {each: what for what, names in _MISSING for each in names.split()}


def idiom(word: str) -> Message:
    """What to say of the name of a thing that has no word of its own; empty for another."""
    plain = re.sub("[_-]|[123]d$", "", word.lower())
    for name in (plain, re.sub("(layer|module|op)$", "", plain)):
        if name in _LINE_OF:
            return Message("here it is `{line}`", line=_LINE_OF[name])
        if name in _MISSING_OF:
            return Message("the language has no {what}", what=_MISSING_OF[name])
        if name in _TRAINING:
            return Message("`{name}` is about training, which no net says", name=word)
        if name in _BLOCKS:
            return Message(
                "it is no word of the language: write it as a block, `block {word}(n) {{ … }}`, "
                "for which the language page has examples",
                word=word,
            )
    return NOTHING
