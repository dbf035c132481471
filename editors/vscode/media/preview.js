/** The page of a preview: shows what the extension sends, and says which line is clicked on. */
const vscode = acquireVsCodeApi();
const { nonce } = document.currentScript;
const parser = new DOMParser();
let rows = [];

addEventListener('message', ({ data }) => ('line' in data ? mark(data.line) : show(data)));
new MutationObserver(paint).observe(document.body, { attributeFilter: ['data-vscode-theme-kind'] });
document.addEventListener('click', go);
document.addEventListener('keydown', (event) => event.key === 'Enter' && go(event));
vscode.postMessage(0); // the page is there

function show({ html, svg, errors, rows: lines }) {
  document.getElementById('errors').textContent = errors.join('\n');
  put('figure', svg, 'svg');
  rows = put('table', html, 'tbody tr').map((row, index) =>
    Object.assign(row, { lines: lines[index] ?? [], tabIndex: lines[index]?.length ? 0 : -1 }),
  );
  paint();
}

/** Put a text into its place and give the elements asked for; no script in it ever runs. */
function put(name, text, wanted) {
  const { body } = parser.parseFromString(text ?? '', 'text/html');
  body.querySelectorAll('style').forEach((style) => style.setAttribute('nonce', nonce));
  document.getElementById(name).replaceChildren(...body.childNodes);
  return [...document.getElementById(name).querySelectorAll(wanted)];
}

/** A figure asks the screen whether it is dark; here the theme of the editor answers. */
function paint() {
  const dark = /-(dark|contrast)$/.test(document.body.dataset.vscodeThemeKind);
  document.querySelectorAll('#figure style').forEach(({ sheet }) => {
    for (const { media } of sheet.cssRules) {
      if (media && media.mediaText !== 'all') media.mediaText = dark ? 'screen' : 'not all';
    }
  });
}

function mark(line) {
  rows.forEach((row) => row.classList.toggle('here', row.lines.includes(line)));
  rows.find((row) => row.lines.includes(line))?.scrollIntoView({ block: 'nearest' });
}

function go({ target }) {
  const [line] = target.closest('tr')?.lines ?? [];
  if (line) vscode.postMessage(line);
}
