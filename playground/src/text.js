/** The words of the page itself; what cnndsl says comes from cnndsl in the language asked for. */

// The English of what stands in index.html stands there alone.
const en = {
  "theme.light": "Theme: light",
  "theme.dark": "Theme: dark",
  "code": "Code",
  "target": "For",
  "copied": "Copied.",
  "copy.refused": "The browser does not let this page copy.",
  "retry": "Try again",
  "loading": "Starting: Python comes to your browser. The net can be edited meanwhile.",
  "busy": "Working…",
  "stopped": "Stopped. Change the net, or try again.",
  "failed": "The engine did not start.",
  "totals": "{layers} layers · {params} parameters · {macs} multiply-adds",
  "error.one": "{n} error", "error.many": "{n} errors",
  "warning.one": "{n} warning", "warning.many": "{n} warnings",
  "info.one": "{n} remark", "info.many": "{n} remarks",
  "severity.error": "error", "severity.warning": "warning", "severity.info": "remark",
  "line": "line {line}",
  "explain": "What {code} means",
  "stale": "This is from before the error.",
  "partial": "The net has errors. Behind them the sizes are assumed.",
  "link.copied": "The link is copied. It holds the net.",
  "link.there": "The link that holds the net is in the address bar.",
  "link.long": "The net is too long for a link.",
  "link.broken": "The link is damaged or from a newer playground; here is the example instead.",
  "import.done": "Imported.",
};

const ko = {
  "playground": "플레이그라운드",
  "samples": "예제",
  "import": "가져오기",
  "format": "정리",
  "share": "링크 복사",
  "theme.auto": "테마: 시스템",
  "theme.light": "테마: 밝게",
  "theme.dark": "테마: 어둡게",
  "net": "신경망",
  "made": "결과",
  "views": "보기",
  "problems": "문제",
  "code": "코드",
  "target": "형식",
  "copy": "복사",
  "copied": "복사했습니다.",
  "copy.refused": "브라우저가 복사를 허용하지 않습니다.",
  "download": "내려받기",
  "whole": "플레이그라운드에서 열기",
  "stop": "중지",
  "retry": "다시 시도",
  "close": "닫기",
  "cancel": "취소",
  "loading": "시작하는 중: 브라우저에 파이썬을 불러옵니다. 그동안 신경망을 고칠 수 있습니다.",
  "busy": "계산 중…",
  "stopped": "중지했습니다. 신경망을 고치거나 다시 시도하세요.",
  "failed": "엔진이 시작되지 않았습니다.",
  "totals": "층 {layers}개 · 파라미터 {params}개 · 곱셈-덧셈 {macs}회",
  "error.one": "오류 {n}개", "error.many": "오류 {n}개",
  "warning.one": "경고 {n}개", "warning.many": "경고 {n}개",
  "info.one": "알림 {n}개", "info.many": "알림 {n}개",
  "severity.error": "오류", "severity.warning": "경고", "severity.info": "알림",
  "line": "{line}행",
  "explain": "{code} 설명",
  "stale": "오류가 나기 전의 결과입니다.",
  "partial": "신경망에 오류가 있습니다. 그 뒤의 크기는 추정한 것입니다.",
  "link.copied": "신경망을 담은 링크를 복사했습니다.",
  "link.there": "신경망을 담은 링크가 주소창에 있습니다.",
  "link.long": "신경망이 너무 길어 링크에 담을 수 없습니다.",
  "link.broken": "링크가 손상되었거나 더 새로운 버전의 것입니다. 대신 예제를 엽니다.",
  "import.title": "모델 가져오기",
  "import.hint": "Keras나 PyTorch 모델의 소스를 붙여 넣으세요. 실행하지 않고 읽기만 합니다.",
  "import.kind": "작성 언어",
  "import.auto": "자동 판별",
  "import.source": "소스",
  "import.done": "가져왔습니다.",
};

const LANGUAGES = { en, ko };

let current = "en";

export const language = () => current;

/** The words of `key`, with `{name}` replaced; a number is written as the language does. */
export function say(key, values = {}) {
  return LANGUAGES[current][key].replace(/\{(\w+)\}/g, (_, name) =>
    typeof values[name] === "number" ? values[name].toLocaleString(current) : values[name]);
}

export const count = (n, what) => say(`${what}.${n === 1 ? "one" : "many"}`, { n });

/** Takes a language for `say`, and for all elements that name their words. */
export function speak(lang) {
  current = lang;
  document.documentElement.lang = lang;
  for (const each of document.querySelectorAll("[data-text]")) {
    en[each.dataset.text] ??= each.textContent;
    each.textContent = say(each.dataset.text);
  }
  for (const each of document.querySelectorAll("[data-label]")) {
    en[each.dataset.label] ??= each.getAttribute("aria-label");
    each.setAttribute("aria-label", say(each.dataset.label));
  }
}
