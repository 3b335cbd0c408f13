/** Standard base64 with padding (RFC 4648 §4), the form that DSSE envelopes of this product use. */
export function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** The bytes, or null unless `text` is exactly what `toBase64` makes of them: one encoding for one value. */
export function fromBase64(text: string): Uint8Array | null {
  try {
    const binary = atob(text);
    return btoa(binary) === text ? bytesOf(binary) : null;
  } catch {
    return null;
  }
}

/** A loop: `Uint8Array.from` goes through an iterator, which costs nine times as much, for each entry of the log. */
function bytesOf(binary: string): Uint8Array {
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
