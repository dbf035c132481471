/** A net in the fragment of an address: `#1.` and base64url of its text, deflated. */

const VERSION = "1";
const LONGEST = 60_000; // characters of a fragment, which many programs pass on
const LONGEST_TEXT = 2_000_000; // what so few characters may unpack to

const through = (bytes, stream) => new Response(new Blob([bytes]).stream().pipeThrough(stream));

/** The fragment that holds `text`, or null where it would be too long. */
export async function toFragment(text) {
  const packed = through(text, new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await packed.arrayBuffer());
  if (bytes.length > LONGEST * 3 / 4) return null;
  const coded = btoa(String.fromCharCode(...bytes));
  return `#${VERSION}.${coded.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}

function inflate(coded) {
  const binary = atob(coded.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (each) => each.charCodeAt(0));
  return through(bytes, new DecompressionStream("deflate-raw")).text();
}

// A version stays here for good, so that links of old posts open.
const READERS = { [VERSION]: inflate };

/** The text that a fragment holds; null where there is none, an error where it is broken. */
export async function fromFragment(fragment) {
  if (fragment.length < 2) return null;
  const [, version, coded] = /^#(\w+)\.([\w-]*)$/.exec(fragment) ?? [];
  if (!Object.hasOwn(READERS, version)) throw new RangeError("unknown version");
  if (coded.length > LONGEST) throw new RangeError("too long");
  const text = await READERS[version](coded);
  if (text.length > LONGEST_TEXT) throw new RangeError("too long");
  return text;
}
