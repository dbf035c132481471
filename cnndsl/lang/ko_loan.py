"""Korean with the loan words of many posts, where they differ from those of `cnndsl.lang.ko`."""

from __future__ import annotations

TERMS = {
    "layer": "레이어",
    "shape": "Shape",
    "conv": "컨볼루션",
    "dense": "덴스",
    "map": "피처 맵",
    "bias": "바이어스",
    "dilation": "딜레이션",
    "field": "리셉티브 필드",
    "global": "글로벌",
}

LAYERS = {
    "dwconv": "뎁스와이즈 $conv $layer",
    "sepconv": "뎁스와이즈 세퍼러블 $conv $layer",
    "deconv": "트랜스포즈드 $conv $layer",
    "pool": "맥스 풀링 $layer",
    "avgpool": "애버리지 풀링 $layer",
    "minpool": "민 풀링 $layer",
    "gap": "$global 애버리지 풀링 $layer",
    "gmp": "$global 맥스 풀링 $layer",
    "flatten": "플래튼 $layer",
}
