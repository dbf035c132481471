"""What the words of the language are called elsewhere: in other tools, in papers, in Korean.

Only a text that has a word which is not known imports this module.
"""

from __future__ import annotations

import re

from cnndsl.foreign.table import CLASSES

_WORDS = {
    "conv": "convolve convolution convolutional conv2 cnn 합성곱 합성곱층 컨볼루션 컨벌루션 "
    "콘볼루션 컨브",
    "dwconv": "depthwise depthwiseconv depthwiseconvolution 깊이별합성곱 뎁스와이즈",
    "sepconv": "separable separableconv depthwiseseparableconv 분리합성곱 분리가능합성곱",
    "deconv": "convtranspose transposedconv transposeconv transposedconvolution deconvolution "
    "upconv tconv convt 전치합성곱 전치컨볼루션 역합성곱 디컨볼루션",
    "pool": "maxpool maxpooling pooling 풀링 풀링층 최대풀링 맥스풀링 최댓값풀링 풀",
    "avgpool": "averagepool averagepooling avgpooling meanpool 평균풀링 평균값풀링",
    "minpool": "minpooling 최소풀링",
    "gap": "globalavgpool globalaveragepool globalaveragepooling globalpool "
    "전역평균풀링 글로벌평균풀링 전역풀링",
    "gmp": "globalmaxpool globalmaxpooling 전역최대풀링 글로벌최대풀링",
    "dense": "linear fc fullyconnected innerproduct output affine 덴스 덴스층 완전연결 완전연결층 "
    "전결합 전결합층 밀집 밀집층 선형 출력 출력층 리니어",
    "bn": "batchnorm batchnormalization batchnormalisation norm 배치정규화 배치노름 배치놈",
    "ln": "layernorm layernormalization layernormalisation 층정규화 레이어정규화 계층정규화",
    "gn": "groupnorm groupnormalization groupnormalisation 그룹정규화",
    "inorm": "instancenorm instancenormalization instancenormalisation 인스턴스정규화",
    "lrn": "localresponsenorm localresponsenormalization 국소반응정규화",
    "dropout": "드롭아웃 드랍아웃",
    "droppath": "stochasticdepth 드롭패스",
    "flatten": "평탄화 플래튼 플래턴 펼치기",
    "up": "upsample upsampling 업샘플링 업샘플",
    "zeropad": "zeropadding 제로패딩",
    "reflectpad": "reflectionpad reflectionpadding mirrorpad 반사패딩",
    "replicatepad": "replicationpad edgepad 복제패딩",
    "pixelshuffle": "subpixel subpixelconv 픽셀셔플",
    "pixelunshuffle": "픽셀언셔플 픽셀역셔플",
    "permute": "permutedims",
    "rescale": "rescaling 리스케일",
    "crop": "cropping 크롭 자르기",
    "shuffle": "channelshuffle 채널셔플",
    "reshape": "view 리셰이프 형상변환",
    "relu": "rectifier rectified 렐루",
    "silu": "swish 스위시 실루",
    "gelu": "겔루",
    "clamp": "clip hardtanh bound 클램프",
    "elu": "엘루",
    "mish": "미쉬",
    "hard_swish": "hardswish hardsilu hswish 하드스위시",
    "hard_sigmoid": "hardsigmoid hsigmoid 하드시그모이드",
    "leaky_relu": "leakyrelu lrelu leaky 리키렐루 리키relu",
    "prelu": "parametricrelu 프렐루",
    "sigmoid": "logistic 시그모이드",
    "tanh": "하이퍼볼릭탄젠트 쌍곡탄젠트 탄에이치",
    "softmax": "소프트맥스",
    "softplus": "소프트플러스",
    "pad": "padding 패딩",
    "stride": "strides 스트라이드 보폭",
    "eps": "epsilon 엡실론",
    "approx": "approximate",
    "add": "plus sum 더하기 덧셈",
    "mul": "multiply 곱하기 곱셈",
    "subtract": "sub minus difference 빼기 뺄셈",
    "average": "mean 평균",
    "concat": "concatenate cat merge 연결 결합 이어붙이기",
    "skip": "identity 항등 건너뛰기",
    "input": "inputlayer 입력 입력층",
    "repeat": "for loop 반복",
    "block": "def function 블록",
    "head": "머리 헤드",
    "net": "model sequential 모델 신경망",
    "let": "const 상수",
    "same": "동일",
}
"""The words of the language, and what else their things are called: without `_` and `2D`."""

_WORD_OF = {other: word for word, others in _WORDS.items() for other in others.split()}


def word_for(word: str) -> str:
    """What a layer or statement of another tool is called here, if it has one: `conv` for
    `Conv2D`."""
    plain = re.sub("_|[123]d", "", word.lower())
    short = re.sub("(?<=..)(layer|op|계층|층)$", "", plain)
    return _WORD_OF.get(plain) or _WORD_OF.get(short, short)


def misspelt(word: str) -> str:
    """The same of a word with a stroke wrong behind its first letter, or two in a long one; empty
    for none."""
    plain = re.sub("_|[123]d$", "", word.lower())
    if not 6 <= len(plain) <= 40:
        return ""
    most = 1 + (len(plain) > 9)
    alike = (each for each in _WORD_OF if each[0] == plain[0] and len(each) > 5)
    alike = (each for each in alike if abs(len(each) - len(plain)) <= most)
    return next((_WORD_OF[each] for each in alike if _strokes(plain, each) <= most), "")


def is_another(word: str, near: str) -> bool:
    """Whether an unknown word is no misspelling of a known one, but the name of something else.

    It is where another tool has a layer of that name, and where it is a longer word that holds
    the known one: a pixel shuffle is no shuffle, and what unpools is no pool.
    """
    plain = re.sub("_|[123]d$", "", word.lower())
    known = near.replace("_", "")
    if plain != known and _strokes(plain, known) > 1 + len(plain) // 4:
        return True
    if plain != known and len(plain) > 2 and _of_others(plain):
        return True
    added = len(plain) - len(known)
    if known not in plain or not re.search("[a-z]", plain) or added < 2:
        return False
    return not re.fullmatch(r"[0-9]*", plain.replace(known, "", 1))


def _strokes(word: str, other: str) -> int:
    """How many letters have to be put in, left out, changed or swapped with the next."""
    rows = [list(range(len(other) + 1))]
    for i, letter in enumerate(word, 1):
        row = [i]
        for j, wanted in enumerate(other, 1):
            least = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (letter != wanted))
            if i > 1 and j > 1 and word[i - 2 : i] == other[j - 1] + other[j - 2]:
                least = min(least, rows[-2][j - 2] + 1)
            row.append(least)
        rows.append(row)
    return rows[-1][-1]


def _of_others(plain: str) -> bool:
    """Whether another tool has a layer of a name of which the language has nothing."""
    return plain in {
        re.sub("[123]d$", "", name.lower())
        for classes in CLASSES.values()
        for name, each in classes.items()
        if not each.word and name != "Activation"
    }
