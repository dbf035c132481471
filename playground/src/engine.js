/** Questions to cnndsl, answered by a worker: one at a time, and ended where it takes too long. */

const PATIENCE = 10_000; // milliseconds for an answer
const DOWNLOAD = 120_000; // until the files are there that are needed for it, over a slow line

/** The questions of which only the newest counts. */
const NEWEST = new Set(["update", "panel", "hover", "complete"]);

const refusal = (name, message) => Object.assign(new Error(message), { name });

export class Engine {
  #base;
  #onState;
  #patience;
  #state;
  #worker = null;
  #isReady = false;
  #running = null;
  #waiting = [];
  #timer;

  /**
   * @param base the address of the built page's script, or of its folder
   * @param onState told of each state, and of why
   */
  constructor({ base, onState = () => {}, patience = PATIENCE }) {
    this.#base = base;
    this.#onState = onState;
    this.#patience = patience;
    this.#start();
  }

  /** The answer; rejects with an Error called Superseded, Stopped or Failed. */
  ask(question, args = {}) {
    if (NEWEST.has(question)) this.#refuse("Superseded", (each) => each.question === question);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ question, args, resolve, reject });
      this.#next();
    });
  }

  /** Ends what is being worked out; the next question starts anew. */
  stop() {
    this.#end("stopped", "Stopped", () => true);
  }

  #tell(state, detail) {
    if (state === this.#state) return;
    this.#state = state;
    this.#onState(state, detail);
  }

  /** Refuses the questions that are meant, whether they wait or are being worked out. */
  #refuse(name, isMeant, message = name) {
    const all = [...(this.#running ? [this.#running] : []), ...this.#waiting];
    this.#waiting = this.#waiting.filter((each) => !isMeant(each));
    for (const each of all.filter(isMeant)) each.reject(refusal(name, message));
  }

  #start() {
    this.#tell("loading");
    const url = new URL("worker.js", this.#base);
    url.search = new URL(this.#base).search; // the build, of which a cache may hold others
    const worker = new Worker(url, { type: "module" });
    this.#worker = worker;
    const failed = (message) => this.#end("failed", "Failed", () => true, message);
    worker.onerror = (event) => failed(event.message ?? "worker.js");
    worker.onmessage = ({ data }) => this.#hear(data, failed);
    this.#timer = setTimeout(failed, DOWNLOAD, "worker.js");
  }

  #hear({ ready, failed, broken, begun, error, answer }, onFailed) {
    if (failed !== undefined) return onFailed(failed);
    if (broken !== undefined) return this.#giveUp();
    clearTimeout(this.#timer);
    if (begun) {
      return this.#giveUpAfter(this.#patience);
    }
    if (ready) this.#isReady = true;
    else if (error === undefined) this.#running.resolve(JSON.parse(answer));
    else this.#running.reject(refusal("Failed", error));
    this.#running = null;
    this.#next();
  }

  #next() {
    if (!this.#worker && this.#waiting.length) this.#start();
    if (!this.#isReady || this.#running) return;
    this.#running = this.#waiting.shift() ?? null;
    if (!this.#running) return this.#tell("ready");
    this.#tell("busy");
    const { question, args } = this.#running;
    this.#worker.postMessage({ question, args });
    this.#giveUpAfter(DOWNLOAD);
  }

  #giveUpAfter(time) {
    this.#timer = setTimeout(() => this.#giveUp(time), time);
  }

  /** Ends the worker over one question, and what else is asked of the same text. */
  #giveUp(time) {
    const { text } = this.#running.args;
    const isSame = (each) => each === this.#running || each.args.text === text;
    this.#end("stopped", "Stopped", isSame, time);
    this.#next();
  }

  #end(state, name, isMeant, message) {
    clearTimeout(this.#timer);
    this.#worker?.terminate();
    this.#worker = null;
    this.#isReady = false;
    this.#refuse(name, isMeant, message);
    this.#running = null;
    this.#tell(state, message);
  }
}
