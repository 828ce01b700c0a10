/** Proof key for code exchange (RFC 7636 §4): a random verifier and its SHA-256 challenge, both base64url. */

export function randomText(bytes: number): string {
  return base64url(crypto.getRandomValues(new Uint8Array(bytes)));
}

export async function challengeOf(verifier: string): Promise<string> {
  const data = new TextEncoder().encode(verifier);
  // Browsers offer crypto.subtle only on HTTPS and localhost; a phone on the ward's plain-HTTP network still has to sign in.
  if (crypto.subtle) return base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', data)));
  const { sha256 } = await import('@noble/hashes/sha2.js');
  return base64url(sha256(data));
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}
