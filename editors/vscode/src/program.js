/** The program `cnndsl`: where it is, and what it says. */
import { execFile } from 'node:child_process';
import { homedir } from 'node:os';
import path from 'node:path';

const ENVIRONMENTS = ['.venv/bin/cnndsl', '.venv/Scripts/cnndsl.exe'];
const NAME = process.platform === 'win32' ? 'cnndsl.exe' : 'cnndsl';

/** What installs the program with its server. */
export const INSTALL = "pip install 'cnndsl[lsp]'";

/**
 * Where the program may be, the likeliest first; with a setting, there alone.
 *
 * Of folders that are not trusted nothing is run. Relative paths are passed over, in the setting
 * and in PATH: they would mean something there.
 *
 * @param {{setting: string, folders: string[], trusted: boolean, paths: string}} where
 */
export function candidates({ setting, folders, trusted, paths }) {
  const own = trusted ? folders : [];
  if (setting) {
    const roots = { '~': homedir(), '${workspaceFolder}': own[0] ?? '.' };
    const file = setting.replace(/^(~|\$\{workspaceFolder\})(?=[/\\])/, (root) => roots[root]);
    return path.isAbsolute(file) ? [file] : [];
  }
  const found = paths.split(path.delimiter).filter((folder) => path.isAbsolute(folder));
  return [
    ...own.flatMap((folder) => ENVIRONMENTS.map((file) => path.join(folder, file))),
    ...found.map((folder) => path.join(folder, NAME)),
  ];
}

/** The first of the candidates that says that it is cnndsl, if one does. */
export async function findProgram(where) {
  for (const command of candidates(where)) {
    const { ok, stdout } = await run(command, ['--version'], { cwd: homedir() });
    if (ok && stdout.startsWith('cnndsl ')) return command;
  }
  return undefined;
}

/**
 * Run the program on a text, until it is done or the token is cancelled, which is no problem.
 *
 * @returns {Promise<{ok: boolean, stdout: string, problem: string}>}
 */
export function run(command, args, { cwd, input = '', lang, token }) {
  const env = { ...process.env, PYTHONUTF8: '1', ...(lang && { CNNDSL_LANG: lang }) };
  return new Promise((resolve) => {
    const done = (error, stdout, stderr) => {
      const failed = error && !token?.isCancellationRequested;
      const problem = failed ? (stderr || error.message).split('\n', 1)[0] : '';
      resolve({ ok: !error, stdout, problem });
    };
    const child = execFile(command, args, { cwd, env, maxBuffer: 2 ** 28 }, done);
    token?.onCancellationRequested(() => child.kill());
    child.stdin.on('error', () => {}); // it may end before it has read everything
    child.stdin.end(input);
  });
}
