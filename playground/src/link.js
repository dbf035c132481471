/** A net in the fragment of an address: `#1.` and base64url of its text, deflated. */

const VERSION = "1";
const LONGEST_LINK = 60_000;
const LONGEST_TEXT = 2_000_000;

const through = (bytes, stream) => new Blob([bytes]).stream().pipeThrough(stream);

/** The fragment that holds `text`, or null where it would be too long to be passed on. */
export async function toFragment(text) {
  const packed = through(text, new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(packed).arrayBuffer());
  if (bytes.length * 4 / 3 > LONGEST_LINK) return null;
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  const coded = btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return `#${VERSION}.${coded}`;
}

/** The text of version 1; throws where the bytes are damaged or would unpack without end. */
async function inflate(coded) {
  const binary = atob(coded.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (each) => each.charCodeAt(0));
  const reader = through(bytes, new DecompressionStream("deflate-raw")).getReader();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    text += decoder.decode(value, { stream: !done });
    if (text.length > LONGEST_TEXT) throw new RangeError("too long");
    if (done) return text;
  }
}

// A version stays here for good, so that links of old posts open.
const READERS = { [VERSION]: inflate };

/** The text that a fragment holds; null where there is none, an error where it is broken. */
export async function fromFragment(fragment) {
  if (fragment.length < 2) return null;
  const [, version, coded] = /^#(\w+)\.([\w-]*)$/.exec(fragment) ?? [];
  if (!Object.hasOwn(READERS, version)) throw new RangeError("unknown version");
  return READERS[version](coded);
}
